"""The tables: Django models, migrations, queries, imports, and the embedded PostgreSQL server."""
