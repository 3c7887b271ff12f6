"""The report of a run: what was learned and how far one can trust it. A pure function of the run's manifests."""
