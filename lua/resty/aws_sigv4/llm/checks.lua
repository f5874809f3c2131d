-- Copyright (C) ngx_aws_sigv4_module authors
--
-- SPDX-License-Identifier: BSD-2-Clause

-- What the fields of the table of models may be, and where a mistake is.
--
--     checked, err = checks.fields(value, fields, at)
--         `fields` has a check for each name; `err` begins with the place
--     place = checks.place(at, key)
--         "models.a[2]"
--     keys = checks.sorted(value)


local find = string.find
local format = string.format
local gsub = string.gsub
local ipairs = ipairs
local lower = string.lower
local match = string.match
local pairs = pairs
local sort = table.sort
local tostring = tostring
local type = type


local _M = { version = "0.1.0" }


local MAX_NAME = 256
local MAX_COOLDOWN = 3600

-- proxy_set_header takes no variable as a name
local KEY_HEADERS = { ["authorization"] = true, ["x-api-key"] = true,
                      ["api-key"] = true, ["x-goog-api-key"] = true }


-- Each check returns the value to use, or nil and what is expected.

local function is_text(pattern, expected)
    return function (value)
        if type(value) ~= "string" or #value > 2048
           or not find(value, pattern)
        then
            return nil, expected
        end

        return value
    end
end


local function is_boolean(value)
    if type(value) ~= "boolean" then
        return nil, "true or false is expected"
    end

    return value
end


local function is_seconds(value)
    if type(value) ~= "number" or value ~= value or value < 0
       or value > MAX_COOLDOWN
    then
        return nil, "seconds from 0 to " .. MAX_COOLDOWN .. " are expected"
    end

    return value
end


local function is_names(value)
    local n = 0

    if type(value) ~= "table" then
        return nil, "a list of names is expected"
    end

    for _ in pairs(value) do
        n = n + 1
    end

    for i = 1, n do
        if type(value[i]) ~= "string" or value[i] == ""
           or #value[i] > MAX_NAME
        then
            return nil, "a list of names is expected"
        end
    end

    return value
end


local function is_renaming(value)
    if type(value) ~= "table" then
        return nil, "names and their new names are expected"
    end

    for old, new in pairs(value) do
        if type(old) ~= "string" or type(new) ~= "string"
           or old == "" or new == "" or #old > MAX_NAME or #new > MAX_NAME
        then
            return nil, "names and their new names are expected"
        end
    end

    return value
end


local function one_of(set, what)
    return function (value)
        if type(value) ~= "string" or not set[value] then
            return nil, what
        end

        return value
    end
end


local function is_key_header(value)
    value = type(value) == "string" and lower(value)

    if not KEY_HEADERS[value] then
        return nil, "\"authorization\", \"x-api-key\", \"api-key\" or "
                    .. "\"x-goog-api-key\" is expected"
    end

    return value
end


-- without a host that ends where nginx and we would differ

local function is_url(value)
    local authority, base

    if type(value) == "string" then
        authority, base = match(value, "^https?://([%w%.%-_:%[%]]+)(.*)$")
    end

    if not authority or #value > 2048
       or not (base == "" or find(base, "^/[%w%._~%-%%/:@!$&'()*+,;=]*$"))
    then
        return nil, "http://host[:port][/path] or https://… is expected"
    end

    return (gsub(value, "/+$", ""))
end


local is_plain = is_text("^[^%c]+$", "text without line breaks is expected")
local is_region = is_text("^%l[%l%d]*%-[%l%d%-]*%d$",
                          "a region such as \"us-east-1\" is expected")
local is_word = is_text("^[%w._%-]+$", "a name is expected")
local is_host = is_text("^[%w%._%-:%[%]]+$", "a host name is expected")
local is_path = is_text("^/[%w%._~%-/]*$", "a path is expected")


local function place(at, key)
    if type(key) == "number" then
        return format("%s[%s]", at, tostring(key))
    end

    key = gsub(tostring(key), "%c", "?")

    if find(key, "^[%w_%-]+$") then
        return at == "" and key or at .. "." .. key
    end

    return at .. '["' .. key .. '"]'
end


-- the keys of a table in an order that is the same each time

local function sorted(value)
    local list = {}

    for key in pairs(value) do
        list[#list + 1] = key
    end

    sort(list, function (a, b)
        if type(a) == type(b) and type(a) == "number" then
            return a < b
        end

        return tostring(a) < tostring(b)
    end)

    return list
end


function _M.fields(value, fields, at)
    local out = {}

    if type(value) ~= "table" then
        return nil, at .. ": a table is expected"
    end

    for _, key in ipairs(sorted(value)) do
        local checker = fields[key]
        if not checker then
            return nil, place(at, key) .. ": unknown field"
        end

        local err
        out[key], err = checker(value[key])
        if err then
            return nil, place(at, key) .. ": " .. err
        end
    end

    return out
end


_M.MAX_NAME = MAX_NAME
_M.is_text = is_text
_M.is_boolean = is_boolean
_M.is_seconds = is_seconds
_M.is_names = is_names
_M.is_renaming = is_renaming
_M.one_of = one_of
_M.is_key_header = is_key_header
_M.is_url = is_url
_M.is_plain = is_plain
_M.is_region = is_region
_M.is_word = is_word
_M.is_host = is_host
_M.is_path = is_path
_M.place = place
_M.sorted = sorted


return _M
