"""Values, rules and tables of the field: pure, standard library only."""
