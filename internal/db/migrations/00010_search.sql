-- +goose Up

-- What contacts are found by, folded as the names of accounts and users are.
ALTER TABLE contacts ADD COLUMN search TEXT {{.Binary}} NOT NULL DEFAULT '';
{{if .Postgres}}
-- Row security binds the migration too.
SELECT set_config('clientele.wide', 'on', true);
UPDATE contacts SET search = lower(regexp_replace(regexp_replace(normalize(name || ' ' || company || ' ' || address, NFKD), '[\u0300-\u036f]', '', 'g'), '\s+', ' ', 'g'));

-- The pieces of a text by which the indexes know it, of three characters each.
-- +goose StatementBegin
CREATE FUNCTION clientele_grams(t TEXT) RETURNS TEXT[] LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS
    $$ SELECT COALESCE(array_agg(substr(t, n, 3)), '{}') FROM generate_series(1, length(t) - 2) n $$;
-- +goose StatementEnd
{{else}}
UPDATE contacts SET search = clientele_fold(name || ' ' || company || ' ' || address);
{{end}}
{{search "accounts" "search"}}
{{search "users" "search"}}
{{search "contacts" "search"}}
{{search "invitations" "address"}}
-- +goose Down
-- There is no way back but a backup: an older release could not keep the rules of this one.
SELECT 1;
