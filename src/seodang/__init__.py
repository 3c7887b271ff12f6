"""seodang: one large teacher raises many small, verified students."""

__version__ = "0.1.0"
