"""Short scenarios told in five languages, with questions that have one short answer among four candidates.

What happens is drawn once for all the languages (`worlds`); the texts, written for each language, stand in one YAML file a scenario.
"""
