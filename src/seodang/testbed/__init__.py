"""The testbed: exact accounting of a workload, prediction with a stated error, measurement, and the conformance kit."""
