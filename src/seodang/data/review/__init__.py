"""People's review of records: what they are shown, what they say, how far they agree, and where the checks say otherwise."""
