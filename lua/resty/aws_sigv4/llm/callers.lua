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
local errors = require "resty.aws_sigv4.llm.errors"
local file = require "resty.aws_sigv4.llm.file"
local limits = require "resty.aws_sigv4.llm.limits"


local C = ffi.C
local ngx = ngx
local type = type
local find = string.find
local floor = math.floor
local gsub = string.gsub
local ipairs = ipairs
local lower = string.lower
local match = string.match
local pairs = pairs
local sort = table.sort
local sub = string.sub
local tonumber = tonumber
local tostring = tostring
local char = string.char


ffi.cdef [[
int ngx_http_aws_sigv4_ffi_sha256(const unsigned char *data, size_t len,
    unsigned char *digest);
]]


local DIGEST_LEN = 32
local MAX_KEY = 4096
local MAX_DIGESTS = 16

local FIELDS = {
    name = true, sha256 = true, models = true, rpm = true, tpm = true,
}

local digest = ffi.new("unsigned char [?]", DIGEST_LEN)


local _M = { version = "0.1.0" }


local watch
local dict


-- the file

local function parse_models(value)
    if type(value) == "string" then
        value = { value }
    end

    if type(value) ~= "table" or #value == 0 then
        return nil, "must be \"*\" or a list of names"
    end

    local models = { exact = {}, prefixes = {} }
    local n = 0

    for _, pattern in pairs(value) do
        n = n + 1

        if type(pattern) ~= "string" or pattern == ""
           or find(sub(pattern, 1, -2), "*", 1, true)
        then
            return nil, "a name is expected, with no \"*\" but at its end"
        end

        if sub(pattern, -1) == "*" then
            models.prefixes[#models.prefixes + 1] = sub(pattern, 1, -2)

        else
            models.exact[pattern] = true
        end
    end

    if n ~= #value then
        return nil, "must be \"*\" or a list of names"
    end

    return models
end


local function parse_limit(value)
    if type(value) ~= "number" or value < 1 or value > 2 ^ 40
       or value ~= floor(value)
    then
        return nil, "a whole number of at least 1 is expected"
    end

    return value
end


local function binary(hex)
    return (gsub(hex, "%x%x", function (byte)
        return char(tonumber(byte, 16))
    end))
end


-- several, so that a key can be replaced without a gap

local function parse_digests(value, caller, digests)
    if type(value) == "string" then
        value = { value }
    end

    if type(value) ~= "table" or #value == 0 or #value > MAX_DIGESTS then
        return nil, "64 hexadecimal digits are expected"
    end

    for _, hex in ipairs(value) do
        if type(hex) ~= "string" or #hex ~= 2 * DIGEST_LEN
           or find(hex, "%X")
        then
            return nil, "64 hexadecimal digits are expected"
        end

        local other = digests[binary(hex)]

        if other then
            return nil, "is that of \"" .. other.name .. "\" too"
        end

        digests[binary(hex)] = caller
    end

    return true
end


local function parse_name(key, entry)
    local name = entry.name

    if type(key) == "string" then
        if name ~= nil and name ~= key then
            return nil, "is not \"" .. key .. "\""
        end

        name = key
    end

    -- it goes into logs as it is
    if type(name) ~= "string" or #name > 64 or name == "-"
       or not find(name, "^[%w._@:-]+$")
    then
        return nil, "letters, digits and . _ - @ : are expected"
    end

    return name
end


local function parse_caller(key, entry, parsed)
    local names = {}

    for field in pairs(entry) do
        names[#names + 1] = tostring(field)
    end

    sort(names)

    for _, field in ipairs(names) do
        if not FIELDS[field] then
            return nil, "." .. field .. ": unknown field"
        end
    end

    local caller = {}
    local ok, err

    caller.name, err = parse_name(key, entry)
    if err then
        return nil, ".name: " .. err
    end

    if parsed.names[caller.name] then
        return nil, ".name: \"" .. caller.name .. "\" stands twice"
    end

    caller.models, err = parse_models(entry.models)
    if err then
        return nil, ".models: " .. err
    end

    for _, field in ipairs { "rpm", "tpm" } do
        if entry[field] ~= nil then
            caller[field], err = parse_limit(entry[field])
            if err then
                return nil, "." .. field .. ": " .. err
            end
        end
    end

    ok, err = parse_digests(entry.sha256, caller, parsed.digests)
    if not ok then
        return nil, ".sha256: " .. err
    end

    caller.requests = "caller:" .. caller.name .. ":rpm"
    caller.tokens = "caller:" .. caller.name .. ":tpm"

    parsed.names[caller.name] = caller

    return true
end


local function place(key)
    return type(key) == "number" and "[" .. key .. "]" or tostring(key)
end


local function parse(value)
    local parsed = { names = {}, digests = {} }
    local list = {}

    for key in pairs(value) do
        list[#list + 1] = key
    end

    -- the same mistake is complained about each time
    sort(list, function (a, b)
        if type(a) == type(b) and (type(a) == "number" or type(a) == "string")
        then
            return a < b
        end

        return type(a) < type(b)
    end)

    for _, key in ipairs(list) do
        local entry = value[key]

        if type(entry) ~= "table" then
            return nil, place(key) .. ": a table is expected"
        end

        local ok, err = parse_caller(key, entry, parsed)
        if not ok then
            return nil, place(key) .. err
        end
    end

    return parsed
end


function _M.init(path, shared)
    local err

    dict = shared
    watch, err = file.watch(path, parse, "callers")
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
