"""The generators of the documentation's tables: name -> function that returns reST."""

GENERATORS = {}
