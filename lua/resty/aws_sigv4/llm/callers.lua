-- Copyright (C) ngx_aws_sigv4_module authors
--
-- SPDX-License-Identifier: BSD-2-Clause

-- Who may call: optional API keys of the gateway itself, of which the file
-- of callers knows nothing but the SHA-256.
--
--     return {
--         { name = "team-a", sha256 = "<64 hex digits>",
--           models = { "claude-sonnet", "local*" }, rpm = 60, tpm = 100000 },
--         ["team-b"] = { sha256 = { "<old>", "<new>" }, models = "*" },
--     }
--
--     true, or nil, err = callers.init(path, dict)
--         from init_by_lua; without it everything passes
--     callers.enabled()
--     callers.identify(state, dialect)
--         before the body is read: sets state.caller, or answers 401
--     callers.check(state, alias, dialect)
--         once the alias, or the native model id, is known to exist: true,
--         or answers 401, 403 or 429
--     callers.allows(state, alias)
--         for lists of models
--     callers.metered(state)
--         whether it has a limit of tokens
--     callers.header(state)
--         from a header filter: x-ratelimit-*
--     callers.charge(state, tokens)
--         from the log phase


local ffi = require "ffi"
local entry = require "resty.aws_sigv4.llm.caller"
local errors = require "resty.aws_sigv4.llm.errors"
local file = require "resty.aws_sigv4.llm.file"
local limits = require "resty.aws_sigv4.llm.limits"


local C = ffi.C
local ngx = ngx
local type = type
local ipairs = ipairs
local lower = string.lower
local match = string.match
local pairs = pairs
local sub = string.sub


ffi.cdef [[
int ngx_http_aws_sigv4_ffi_sha256(const unsigned char *data, size_t len,
    unsigned char *digest);
]]


local DIGEST_LEN = 32
local MAX_KEY = 4096

local digest = ffi.new("unsigned char [?]", DIGEST_LEN)


local _M = { version = "0.1.0" }


local watch
local dict


function _M.init(path, shared)
    local err

    dict = shared
    watch, err = file.watch(path, entry.parse, "callers")
    if not watch then
        return nil, err
    end

    return true
end


function _M.enabled()
    return watch ~= nil
end


-- the request

local function add_key(found, value, bearer)
    if value == nil then
        return found
    end

    if type(value) == "table" then
        for _, v in ipairs(value) do
            found = add_key(found, v, bearer)
        end

        return found
    end

    local key = value

    if bearer then
        -- other schemes, such as the signature of an AWS SDK, are no key
        local scheme, token = match(value, "^(%a+) +(%S+)$")
        key = scheme and lower(scheme) == "bearer" and token or nil
    end

    if key == nil or key == "" or key == found then
        return found
    end

    -- two keys: whose request is it?
    return found == nil and key or false
end


-- nil: none, false: several that differ

local function client_key()
    local headers = ngx.req.get_headers(0)
    local found = nil

    for name, bearer in pairs { authorization = true, ["x-api-key"] = false,
                                ["api-key"] = false }
    do
        found = add_key(found, headers[name], bearer)

        if found == false then
            return false
        end
    end

    return found
end


local function lookup(parsed, key)
    if #key > MAX_KEY
       or C.ngx_http_aws_sigv4_ffi_sha256(key, #key, digest) ~= 0
    then
        return nil
    end

    return parsed.digests[ffi.string(digest, DIGEST_LEN)]
end


function _M.identify(state, dialect)
    if not watch then
        return true
    end

    local parsed = watch:get()
    local key = client_key()

    if not key then
        return errors.send(dialect, "invalid_api_key", key == nil
                           and "No API key was sent."
                           or "Two different API keys were sent.")
    end

    local caller = lookup(parsed, key)
    if not caller then
        return errors.send(dialect, "invalid_api_key",
                           "The API key is not known here.")
    end

    state.caller = caller.name
    ngx.var.llm_caller = caller.name

    return true
end


local function allowed(caller, alias)
    local models = caller.models

    if models.exact[alias] then
        return true
    end

    for _, prefix in ipairs(models.prefixes) do
        if sub(alias, 1, #prefix) == prefix then
            return true
        end
    end

    return false
end


-- nil for a caller that has gone with a new file

local function of(state)
    return watch and state.caller and watch:get().names[state.caller]
end


function _M.allows(state, alias)
    local caller = of(state)

    return not watch or caller ~= nil and allowed(caller, alias)
end


function _M.metered(state)
    local caller = of(state)

    return caller ~= nil and caller.tpm ~= nil
end


local function set_headers(what, limit, left, wait)
    local header = ngx.header

    header["x-ratelimit-limit-" .. what] = limit
    header["x-ratelimit-remaining-" .. what] = left
    header["x-ratelimit-reset-" .. what] = wait .. "s"
end


local function limit_reached(dialect, what, limit, wait)
    set_headers(what, limit, 0, wait)

    return errors.send(dialect, "rate_limit_exceeded", "The limit of "
                       .. limit .. " " .. what .. " a minute is reached.",
                       wait)
end


-- tokens first: a request that they refuse is not counted

local function within_limits(caller, dialect)
    local now = ngx.now()
    local ok, wait, _

    if caller.tpm then
        ok, _, wait = limits.look(dict, caller.tokens, caller.tpm, now)
        if not ok then
            return limit_reached(dialect, "tokens", caller.tpm, wait)
        end
    end

    if caller.rpm then
        ok, _, wait = limits.take(dict, caller.requests, caller.rpm, now)
        if not ok then
            return limit_reached(dialect, "requests", caller.rpm, wait)
        end
    end

    return true
end


function _M.check(state, alias, dialect)
    if not watch then
        return true
    end

    if not state.caller then
        _M.identify(state, dialect)
    end

    local caller = of(state)

    if not caller then
        return errors.send(dialect, "invalid_api_key",
                           "The API key is not known here.")
    end

    if not allowed(caller, alias) then
        return errors.send(dialect, "model_not_allowed",
                           "This API key may not use the model \"" .. alias
                           .. "\".")
    end

    return within_limits(caller, dialect)
end


-- in place of those of an upstream, which are those of the gateway's own key

function _M.header(state)
    local caller = of(state)

    if not caller then
        return
    end

    local now = ngx.now()
    local left, wait, _

    if caller.rpm then
        _, left, wait = limits.look(dict, caller.requests, caller.rpm, now)
        set_headers("requests", caller.rpm, left, wait)
    end

    if caller.tpm then
        _, left, wait = limits.look(dict, caller.tokens, caller.tpm, now)
        set_headers("tokens", caller.tpm, left, wait)
    end
end


function _M.charge(state, tokens)
    local caller = of(state)

    if caller and caller.tpm and tokens and tokens > 0 then
        limits.add(dict, caller.tokens, tokens, ngx.now())
    end
end


return _M
