"""Turn raw data into what the data sets read."""
