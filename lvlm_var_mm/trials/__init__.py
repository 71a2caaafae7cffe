"""Trials of what must not happen: killed work and damaged files, for
tools/perf/kill.py, tools/perf/fuzz.py and the tests."""
