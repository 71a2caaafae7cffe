"""A page and an HTTP API that answer uploads; needs the extra ``demo``."""
