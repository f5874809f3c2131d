-- Copyright (C) ngx_aws_sigv4_module authors
--
-- SPDX-License-Identifier: BSD-2-Clause

-- The table of models: which targets an alias has, in order.
--
--     true, or nil, err = models.init(path)       from init_by_lua
--     models, generation = models.get()
--     target = models.native(models, id, path)
--         of an id that is no alias; `path` is the id as the client sent it
--
-- A file that has been read:
--
--     aliases    alias → { name =, openai =, anthropic =, bedrock =,
--                members = }, where each dialect has the list of its targets,
--                or nothing; `members` are those of bodies to look for, if
--                there are more than edits.members
--     list       the same, sorted by name
--     native     what is said of ids that are no alias, or nil
--     loaded     when, in seconds
--
-- A target is what target.lua makes of it.


local checks = require "resty.aws_sigv4.llm.checks"
local edits = require "resty.aws_sigv4.llm.edits"
local endpoints = require "resty.aws_sigv4.llm.endpoints"
local file = require "resty.aws_sigv4.llm.file"
local targets = require "resty.aws_sigv4.llm.target"


local error = error
local find = string.find
local floor = math.floor
local ipairs = ipairs
local pairs = pairs
local time = os.time
local type = type

local place = checks.place
local sorted = checks.sorted
local routes = endpoints.routes

local MAX_NAME = checks.MAX_NAME
local MEMBERS = edits.members
local is_boolean = checks.is_boolean
local is_seconds = checks.is_seconds
local is_url = checks.is_url
local is_region = checks.is_region
local is_word = checks.is_word
local is_host = checks.is_host


local _M = { version = "0.1.0" }


-- nginx allows ten internal redirects: one to the first target and one to
-- each of the others, and some are left to the operator

local MAX_TARGETS = 8
local MAX_MEMBERS = 16

local SECTIONS = { defaults = true, native = true, models = true }

local DEFAULTS = {
    region = is_region,
    credentials = is_word,
    cooldown = is_seconds,
    retry_timeout = is_boolean,
}

local NATIVE = {
    region = is_region,
    service = is_word,
    host = is_host,
    credentials = is_word,
    url = is_url,
}


-- what its targets drop and rename, and what is looked for always; nil where
-- that is all

local function members_of(entry)
    local set, count = {}, #MEMBERS

    local function add(name)
        if not set[name] then
            set[name] = true
            count = count + 1
        end
    end

    for _, dialect in ipairs { "openai", "anthropic" } do
        for _, target in ipairs(entry[dialect] or {}) do

            for _, name in ipairs(target.drop or {}) do
                add(name)
            end

            for old, new in pairs(target.rename or {}) do
                add(old)
                add(new)
            end
        end
    end

    if count == #MEMBERS then
        return nil
    end

    for _, name in ipairs(MEMBERS) do
        set[name] = true
    end

    return sorted(set), count
end


local function parse_alias(name, value, defaults, at)
    local entry = { name = name }

    if type(value) ~= "table" then
        return nil, at .. ": a list of targets is expected"
    end

    local count = #sorted(value)

    if count == 0 or count ~= #value then
        return nil, at .. ": a list of targets is expected"
    end

    if count > MAX_TARGETS then
        return nil, at .. ": more than " .. MAX_TARGETS .. " targets"
    end

    for i = 1, count do
        local target, err = targets.parse(value[i], defaults, place(at, i))
        if not target then
            return nil, err
        end

        for _, dialect in ipairs { "openai", "anthropic", "bedrock" } do
            if routes[target.route][dialect] then
                local list = entry[dialect] or {}

                list[#list + 1] = target
                entry[dialect] = list
            end
        end
    end

    local names
    entry.members, names = members_of(entry)

    if names and names > MAX_MEMBERS then
        return nil, at .. ": more than " .. MAX_MEMBERS - #MEMBERS
                    .. " names to drop and rename"
    end

    return entry
end


local function parse_native(value, defaults)
    local native, err = checks.fields(value, NATIVE, "native")
    if not native then
        return nil, err
    end

    native.defaults = defaults

    return native
end


local function parse_models(value, defaults)
    local aliases, list = {}, {}

    if type(value) ~= "table" then
        return nil, "models: a table is expected"
    end

    for _, name in ipairs(sorted(value)) do
        local at = place("models", name)

        if type(name) ~= "string" or name == "" or #name > MAX_NAME
           or find(name, "%c")
        then
            return nil, at .. ": is no name of a model"
        end

        local entry, err = parse_alias(name, value[name], defaults, at)
        if not entry then
            return nil, err
        end

        aliases[name] = entry
        list[#list + 1] = entry
    end

    return { aliases = aliases, list = list }
end


function _M.parse(value)
    local err

    for _, key in ipairs(sorted(value)) do
        if not SECTIONS[key] then
            return nil, place("", key) .. ": unknown field"
        end
    end

    local defaults = {}

    if value.defaults ~= nil then
        defaults, err = checks.fields(value.defaults, DEFAULTS, "defaults")
        if not defaults then
            return nil, err
        end
    end

    local models
    models, err = parse_models(value.models == nil and {} or value.models,
                               defaults)
    if not models then
        return nil, err
    end

    if value.native ~= nil then
        models.native, err = parse_native(value.native, defaults)
        if not models.native then
            return nil, err
        end
    end

    models.loaded = floor(time())

    return models
end


function _M.native(models, id, path)
    return targets.native(models.native, id, path)
end


local watch


function _M.init(path)
    local err

    watch, err = file.watch(path, _M.parse, "table")
    if not watch then
        return nil, err
    end

    return true
end


function _M.get()
    if not watch then
        error("llm.init{} was not called: init_by_lua_block is the place", 0)
    end

    return watch:get()
end


return _M
