"""How far sets of features lie apart, how varied one is, what was copied, what codes tell of factors."""
