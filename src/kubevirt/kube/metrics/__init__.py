"""Metrics of what every program has: its work queues, its requests to the API server, its process.

`measures` counts, cheaply and always; `families` and `page` turn counts into Prometheus' text when it is asked for. The
library that knows the format is loaded with the first question.
"""
