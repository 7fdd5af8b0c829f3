"""Names for the expressions beside the numbers of the glossary."""
