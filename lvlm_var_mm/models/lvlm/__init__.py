"""The language model, its prompt, and the class names behind it."""
