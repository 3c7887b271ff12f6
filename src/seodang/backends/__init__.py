"""The hardware layer: what a backend is, backends that run, and descriptions of devices. No torch at its border."""
