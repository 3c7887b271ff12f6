"""The ledger: records with their origin, the activities that made or checked them, and every verdict. Facts are added, never changed."""
