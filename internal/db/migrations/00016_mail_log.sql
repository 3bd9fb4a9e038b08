-- +goose Up

-- What the mail log is searched by: the subjects, folded as names are.
ALTER TABLE mails ADD COLUMN search TEXT {{.Binary}} NOT NULL DEFAULT '';
{{if .Postgres}}
-- Row security binds the migration too.
SELECT set_config('clientele.wide', 'on', true);
UPDATE mails SET search = lower(regexp_replace(regexp_replace(normalize(subject, NFKD), '[\u0300-\u036f]', '', 'g'), '\s+', ' ', 'g'));
{{else}}
UPDATE mails SET search = clientele_fold(subject);
{{end}}
-- +goose Down
-- There is no way back but a backup: an older release could not keep the rules of this one.
SELECT 1;
