"""Trials of what must not happen: killed work, damaged files and cameras that
die, for tools/perf/kill.py, tools/perf/fuzz.py, tools/perf/stream.py and the
tests."""
