"""What hangs on tables beside their rows: owners and privileges, which others can be given too, and what only these can have."""

from collections.abc import Collection

from psycopg2.sql import SQL, Identifier

from streams.adapters.postgres.differing import Ask
from streams.adapters.postgres.projected import quoted

HANGING_ON = """
SELECT 'view ' || r.ev_class::regclass FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid
WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = ANY(%(live)s::regclass[])
UNION SELECT 'foreign key ' || conname || ' of ' || conrelid::regclass FROM pg_constraint
WHERE contype = 'f' AND (confrelid = ANY(%(live)s::regclass[]) OR conrelid = ANY(%(live)s::regclass[]))
UNION SELECT 'trigger ' || tgname FROM pg_trigger WHERE NOT tgisinternal AND tgrelid = ANY(%(live)s::regclass[])
UNION SELECT 'function ' || d.objid::regprocedure FROM pg_depend d
WHERE d.classid = 'pg_proc'::regclass AND (
    d.refclassid = 'pg_class'::regclass AND d.refobjid = ANY(%(live)s::regclass[])
    OR d.refclassid = 'pg_type'::regclass AND d.refobjid IN (SELECT reltype FROM pg_class WHERE oid = ANY(%(live)s::regclass[])))
UNION (SELECT 'check ' || conname || ' of ' || relname FROM pg_constraint JOIN pg_class c ON c.oid = conrelid
       WHERE contype = 'c' AND conrelid = ANY(%(live)s::regclass[])
       EXCEPT SELECT 'check ' || conname || ' of ' || relname FROM pg_constraint JOIN pg_class c ON c.oid = conrelid
       WHERE contype = 'c' AND conrelid = ANY(%(fresh)s::regclass[]))
UNION SELECT 'statistics ' || stxname FROM pg_statistic_ext WHERE stxrelid = ANY(%(live)s::regclass[])
UNION SELECT 'table that inherits, ' || inhrelid::regclass FROM pg_inherits WHERE inhparent = ANY(%(live)s::regclass[])
UNION SELECT 'row security of ' || oid::regclass FROM pg_class WHERE relrowsecurity AND oid = ANY(%(live)s::regclass[])
UNION SELECT 'settings of ' || oid::regclass FROM pg_class
WHERE (reloptions IS NOT NULL OR relreplident <> 'd') AND oid = ANY(%(live)s::regclass[])
UNION SELECT 'row policy ' || polname FROM pg_policy WHERE polrelid = ANY(%(live)s::regclass[])
UNION SELECT 'publication ' || pubname FROM pg_publication_rel r JOIN pg_publication p ON p.oid = r.prpubid
WHERE r.prrelid = ANY(%(live)s::regclass[])
UNION SELECT 'privileges on columns of ' || attrelid::regclass FROM pg_attribute
WHERE attacl IS NOT NULL AND attrelid = ANY(%(live)s::regclass[])
UNION (SELECT 'index ' || indexname FROM pg_indexes WHERE schemaname = %(schema)s AND tablename = ANY(%(tables)s)
       EXCEPT SELECT 'index ' || indexname FROM pg_indexes WHERE schemaname = %(rebuilt)s)
UNION (SELECT 'column ' || table_name || '.' || column_name FROM information_schema.columns
       WHERE table_schema = %(schema)s AND table_name = ANY(%(tables)s)
       EXCEPT SELECT 'column ' || table_name || '.' || column_name FROM information_schema.columns
       WHERE table_schema = %(rebuilt)s)
ORDER BY 1
"""
OWNER = "SELECT relowner::regrole::text FROM pg_class WHERE oid = %s::regclass"
GRANTS = """
SELECT CASE grantee WHEN 0 THEN 'PUBLIC' ELSE grantee::regrole::text END, privilege_type, is_grantable
FROM pg_class, aclexplode(coalesce(relacl, acldefault('r', relowner))) WHERE oid = %s::regclass
"""


def would_be_lost(ask: Ask, live: str, fresh: str, tables: Collection[str]) -> list[str]:
    """What of the tables in the one schema those in the other do not have, by kind and name."""
    ours, theirs = ([quoted(schema, name) for name in tables] for schema in (live, fresh))
    names = {"live": ours, "fresh": theirs, "schema": live, "tables": list(tables), "rebuilt": fresh}
    return [what for (what,) in ask(HANGING_ON, **names)]


def take_over(ask: Ask, live: str, fresh: str, tables: Collection[str]) -> None:
    """Owners and privileges, from the tables of the one schema to those of the other."""
    for name in tables:
        table = Identifier(fresh, name)
        ((owner,),) = ask(OWNER, quoted(live, name))
        for grantee in {row[0] for row in ask(GRANTS, quoted(fresh, name))}:  # by default, as a new table
            ask(SQL(f"REVOKE ALL ON {{}} FROM {grantee}").format(table))
        for grantee, privilege, is_grantable in ask(GRANTS, quoted(live, name)):
            option = " WITH GRANT OPTION" if is_grantable and grantee != owner else ""
            ask(SQL(f"GRANT {privilege} ON {{}} TO {grantee}{option}").format(table))
        ask(SQL(f"ALTER TABLE {{}} OWNER TO {owner}").format(table))
