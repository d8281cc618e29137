"""A number that rises with every change of who holds what, so that tables in memory know when they are stale.

It comes from a sequence, which no rollback turns back: a number stands for one state of the tables and for no other.
"""

from django.db import migrations

FORWARD = """
CREATE TABLE records_holdersversion (id integer PRIMARY KEY CHECK (id = 1), version bigint NOT NULL);
CREATE SEQUENCE records_holdersversion_seq;
INSERT INTO records_holdersversion VALUES (1, nextval('records_holdersversion_seq'));
CREATE FUNCTION records_holders_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE records_holdersversion SET version = nextval('records_holdersversion_seq');
    RETURN NULL;
END $$;
CREATE TRIGGER holders_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON records_assignment
    FOR EACH STATEMENT EXECUTE FUNCTION records_holders_changed();
CREATE TRIGGER holders_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON records_declaredname
    FOR EACH STATEMENT EXECUTE FUNCTION records_holders_changed();
CREATE TRIGGER holders_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON records_service
    FOR EACH STATEMENT EXECUTE FUNCTION records_holders_changed();
"""

BACK = """
DROP TRIGGER holders_changed ON records_service;
DROP TRIGGER holders_changed ON records_declaredname;
DROP TRIGGER holders_changed ON records_assignment;
DROP FUNCTION records_holders_changed();
DROP TABLE records_holdersversion;
DROP SEQUENCE records_holdersversion_seq;
"""


class Migration(migrations.Migration):
    dependencies = [("records", "0003_heartbeat")]

    operations = [migrations.RunSQL(FORWARD, BACK)]
