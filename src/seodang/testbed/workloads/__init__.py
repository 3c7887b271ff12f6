"""What a model asks of a machine, counted from its configuration: parameters, bytes, products, cache and traffic."""
