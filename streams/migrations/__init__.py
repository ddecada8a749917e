"""The schema of PostgreSQL, one numbered step per file in `versions/`, each plain SQL. No queries live here."""
