"""How fast a deployment will be, with an interval and the evidence behind it."""
