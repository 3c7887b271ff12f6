"""The audit of the checks: what each says of records of which it is known what it should say."""
