-- Copyright (C) ngx_aws_sigv4_module authors
--
-- SPDX-License-Identifier: BSD-2-Clause

-- What the file of callers says, which callers.lua shows.
--
--     callers, err = caller.parse(value)
--         { names = name → caller, digests = SHA-256 → caller }
--
-- A caller has its name, models ({ exact = set, prefixes = list }), rpm, tpm,
-- and the names of its counters in the shared dict: requests and tokens.


local checks = require "resty.aws_sigv4.llm.checks"


local char = string.char
local find = string.find
local floor = math.floor
local gsub = string.gsub
local ipairs = ipairs
local pairs = pairs
local place = checks.place
local sorted = checks.sorted
local sub = string.sub
local tonumber = tonumber
local type = type


local _M = { version = "0.1.0" }


local DIGEST_LEN = 32
local MAX_DIGESTS = 16


-- it goes into logs as it is

local function is_name(value)
    if type(value) ~= "string" or #value > 64 or value == "-"
       or not find(value, "^[%w._@:-]+$")
    then
        return nil, "letters, digits and . _ - @ : are expected"
    end

    return value
end


local function is_models(value)
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


local function is_limit(value)
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

local function is_digests(value)
    local list = {}

    if type(value) == "string" then
        value = { value }
    end

    if type(value) ~= "table" or #value == 0 or #value > MAX_DIGESTS then
        return nil, "64 hexadecimal digits are expected"
    end

    for i, hex in ipairs(value) do
        if type(hex) ~= "string" or #hex ~= 2 * DIGEST_LEN
           or find(hex, "%X")
        then
            return nil, "64 hexadecimal digits are expected"
        end

        list[i] = binary(hex)
    end

    return list
end


local FIELDS = {
    name = is_name,
    sha256 = is_digests,
    models = is_models,
    rpm = is_limit,
    tpm = is_limit,
}


local function set_name(caller, key, at)
    if type(key) == "string" then
        if caller.name ~= nil and caller.name ~= key then
            return nil, at .. ".name: is not \"" .. key .. "\""
        end

        caller.name = key
    end

    local _, err = is_name(caller.name)
    if err then
        return nil, at .. ".name: " .. err
    end

    return true
end


local function parse_caller(key, value, at)
    local caller, err = checks.fields(value, FIELDS, at)
    if not caller then
        return nil, err
    end

    local ok
    ok, err = set_name(caller, key, at)
    if not ok then
        return nil, err
    end

    for _, field in ipairs { "models", "sha256" } do
        if caller[field] == nil then
            _, err = FIELDS[field](nil)

            return nil, at .. "." .. field .. ": " .. err
        end
    end

    caller.requests = "caller:" .. caller.name .. ":rpm"
    caller.tokens = "caller:" .. caller.name .. ":tpm"

    return caller
end


local function add(parsed, caller, at)
    if parsed.names[caller.name] then
        return nil, at .. ".name: \"" .. caller.name .. "\" stands twice"
    end

    parsed.names[caller.name] = caller

    for _, digest in ipairs(caller.sha256) do
        local other = parsed.digests[digest]

        if other then
            return nil, at .. ".sha256: is that of \"" .. other.name
                        .. "\" too"
        end

        parsed.digests[digest] = caller
    end

    return true
end


function _M.parse(value)
    local parsed = { names = {}, digests = {} }

    for _, key in ipairs(sorted(value)) do
        local at = place("", key)
        local caller, err = parse_caller(key, value[key], at)

        if not caller then
            return nil, err
        end

        local ok
        ok, err = add(parsed, caller, at)
        if not ok then
            return nil, err
        end
    end

    return parsed
end


return _M
