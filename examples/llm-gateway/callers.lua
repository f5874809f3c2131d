-- SPDX-License-Identifier: BSD-2-Clause

-- Who may call, with which models, and how much in a minute.  The gateway
-- knows no key, but its SHA-256:
--
--     key=sk-$(openssl rand -hex 24); echo "$key"
--     printf %s "$key" | sha256sum
--
-- A change is in use within a second.  Nobody has the keys of the callers
-- below: put the digests of yours in.

return {
    ["team-a"] = {
        sha256 =
            "6727292f4a591f7a67c6024903326949387ee5f8273429c5dc87230c1b3b719b",
        models = "*",
    },

    -- a trailing "*" stands for any rest; two digests are for the days in
    -- which a key is replaced
    ["team-b"] = {
        sha256 = {
            "410dfbf1e1aac5126555f4308811467f60791c3a0df936dc14d2c43a11bc99ad",
            "feb4c27db71a7ad9ca116aded8c273499997ab0cae295a228323622665005545",
        },
        models = { "gpt-oss", "local*" },
        rpm = 60,
        tpm = 100000,
    },
}
