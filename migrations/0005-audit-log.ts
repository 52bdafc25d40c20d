// The audit log. It only grows: the database itself refuses to change or remove a record.

import { type Kysely, sql } from "kysely";

export async function up(db: Kysely<unknown>): Promise<void> {
  // `user_id` refers to nothing: what a user did stays known when the user is gone.
  await sql`
    CREATE TABLE audit_log (
      sequence bigserial PRIMARY KEY,
      at timestamptz(3) NOT NULL,
      type text NOT NULL,
      subject text NOT NULL,
      actor text NOT NULL,
      user_id uuid,
      detail jsonb NOT NULL
    )`.execute(db);
  await sql`CREATE INDEX audit_log_user_idx ON audit_log (user_id, sequence)`.execute(db);
  await sql`CREATE INDEX audit_log_subject_idx ON audit_log (subject, sequence)`.execute(db);
  await sql`
    CREATE FUNCTION refuse_audit_log_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      RAISE EXCEPTION 'audit_log is append-only' USING ERRCODE = 'restrict_violation';
    END $$`.execute(db);
  await sql`
    CREATE TRIGGER audit_log_append_only
    BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_log_change()`.execute(db);
}
