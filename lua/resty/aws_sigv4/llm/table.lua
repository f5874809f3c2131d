-- Copyright (C) ngx_aws_sigv4_module authors
--
-- SPDX-License-Identifier: BSD-2-Clause

-- The table of models: which targets an alias has, in order.  Everything that
-- can be told of a target beforehand is made here, when the file is read.
--
--     true, or nil, err = models.init(path)       from init_by_lua
--     models, generation = models.get()
--
-- A file that has been read:
--
--     aliases    alias → { name =, openai =, anthropic =, bedrock =,
--                members = }, where each dialect has the list of its targets,
--                or nothing; `members` are those of bodies to look for, if
--                there are more than request.lua looks for always
--     list       the same, sorted by name
--     native     target for ids that are no alias, or nil
--     loaded     when, in seconds
--
-- A target, beside the fields of the file: signed (or else it has a key),
-- host, region, service, credentials, urls (operation → URL), label (for
-- logs), model_json (as it goes into bodies), cool_key (in the shared dict).


local cjson = require "cjson.safe"
local checks = require "resty.aws_sigv4.llm.checks"
local file = require "resty.aws_sigv4.llm.file"
local keys = require "resty.aws_sigv4.llm.keys"


local byte = string.byte
local encode = cjson.encode
local error = error
local find = string.find
local floor = math.floor
local format = string.format
local gsub = string.gsub
local ipairs = ipairs
local match = string.match
local pairs = pairs
local sort = table.sort
local sub = string.sub
local time = os.time
local tostring = tostring
local type = type

local MAX_NAME = checks.MAX_NAME
local is_text = checks.is_text
local is_boolean = checks.is_boolean
local is_seconds = checks.is_seconds
local is_names = checks.is_names
local is_renaming = checks.is_renaming
local one_of = checks.one_of
local is_key_header = checks.is_key_header
local is_url = checks.is_url
local is_plain = checks.is_plain
local is_region = checks.is_region
local is_word = checks.is_word
local is_host = checks.is_host
local is_path = checks.is_path


local _M = { version = "0.1.0" }


-- nginx allows ten internal redirects: one to the first target and one to
-- each of the others, and some are left to the operator

local MAX_TARGETS = 8
local MAX_MEMBERS = 16

local DEFAULT_COOLDOWN = 10
local DEFAULT_CREDENTIALS = "default"


-- what a region begins with, and where its hosts are: the names of the usual
-- APIs, and of those that are of two stacks by design

local PARTITIONS = {
    { "cn-", "amazonaws.com.cn", "api.amazonwebservices.com.cn" },
    { "eusc-", "amazonaws.eu", "api.amazonwebservices.eu" },
    { "us-iso-", "c2s.ic.gov", "api.aws.ic.gov" },
    { "us-isob-", "sc2s.sgov.gov", "api.aws.scloud" },
    { "eu-isoe-", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk" },
    { "us-isof-", "csp.hci.ic.gov", "api.aws.hci.ic.gov" },
    { "", "amazonaws.com", "api.aws" },
}

local RUNTIME = { signed = true, service = "bedrock",
                  host = "bedrock-runtime." }
local MANTLE = { signed = true, service = "bedrock-mantle",
                 host = "bedrock-mantle." }
local KEYED = { signed = false }

local ROUTES = {
    ["runtime-openai"] = { at = RUNTIME, openai = "/openai/v1" },
    ["runtime-anthropic"] = { at = RUNTIME, anthropic = "/anthropic/v1" },
    ["invoke-anthropic"] = { at = RUNTIME, anthropic = "", invoke = true },
    ["bedrock"] = { at = RUNTIME, bedrock = "" },
    ["mantle-openai"] = { at = MANTLE, openai = "/v1" },
    ["mantle-anthropic"] = { at = MANTLE, anthropic = "/anthropic/v1" },
    ["openai"] = { at = KEYED, openai = "/v1", key = "authorization" },
    ["anthropic"] = { at = KEYED, anthropic = "/v1", key = "x-api-key" },
    ["gateway"] = { at = KEYED, openai = "/v1", anthropic = "/v1",
                    key = "authorization" },
}

local PATHS = {
    openai = {
        chat = "/chat/completions",
        completions = "/completions",
        embeddings = "/embeddings",
        responses = "/responses",
    },
    anthropic = {
        messages = "/messages",
        count_tokens = "/messages/count_tokens",
    },
}

local ACTIONS = { "converse", "converse-stream", "invoke",
                  "invoke-with-response-stream", "count-tokens" }


-- what is looked for in each body
local MEMBERS = { "model", "stream", "anthropic_version", "anthropic_beta" }


local TARGET = {
    route = one_of(ROUTES, "no route has this name"),
    model = is_plain,
    name = is_text("^[%w._:/@%-]+$", "letters, digits and ._:/@- are "
                   .. "expected"),
    region = is_region,
    service = is_word,
    host = is_host,
    credentials = is_word,
    url = is_url,
    path = is_path,
    key_file = is_plain,
    key_header = is_key_header,
    cooldown = is_seconds,
    retry_timeout = is_boolean,
    model_path = one_of({ encoded = true, raw = true },
                        "\"encoded\" or \"raw\" is expected"),
    beta = is_names,
    guardrail = is_text("^[%w:/._%-]+$", "the id of a guardrail is expected"),
    guardrail_version = is_word,
    trace = is_text("^%u[%u_]*$", "\"ENABLED\" or \"DISABLED\" is expected"),
    drop = is_names,
    rename = is_renaming,
}

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

-- fields that only some routes have a use for
local ONLY = {
    signed = { "region", "service", "credentials" },
    keyed = { "key_file", "key_header" },
    invoke = { "guardrail", "guardrail_version", "trace" },
}


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


local function check(value, fields, at)
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


local function quote(text)
    return (gsub(encode(text), "\\/", "/"))
end


local function escape_byte(c)
    return format("%%%02X", byte(c))
end


-- As AWS SDKs send an id, or with ":" as it is; a "/" of an ARN is encoded in
-- either case.

local function path_of(model, way)
    return (gsub(model, way == "raw" and "[^%w%-._~:]" or "[^%w%-._~]",
                 escape_byte))
end


local function host_of(prefix, region)
    for _, partition in ipairs(PARTITIONS) do
        if sub(region, 1, #partition[1]) == partition[1] then
            local mantle = prefix == MANTLE.host

            return prefix .. region .. "." .. partition[mantle and 3 or 2]
        end
    end
end


local function arn_region(model)
    return match(model, "^arn:[%w%-]+:[%w%-]+:([%l%d%-]+):")
end


local function native_urls(urls, base, id)
    for _, action in ipairs(ACTIONS) do
        urls[action] = base .. "/model/" .. id .. "/" .. action
    end
end


local function set_urls(target, route, base)
    local urls = {}

    if route.invoke or route.bedrock then
        native_urls(urls, base, path_of(target.model, target.model_path))

    else
        for dialect, paths in pairs(PATHS) do
            local prefix = route[dialect] and (target.path or route[dialect])

            for operation, path in pairs(prefix and paths or {}) do
                urls[operation] = base .. gsub(prefix, "/$", "") .. path
            end
        end
    end

    if route.invoke then
        urls.messages = urls.invoke
        urls.messages_stream = urls["invoke-with-response-stream"]
    end

    target.urls = urls
end


local function set_scope(target, at, defaults)
    target.region = target.region or arn_region(target.model)
                    or defaults.region

    if not target.region then
        return nil, ".region: is missing"
    end

    if not is_region(target.region) then
        return nil, ".model: the ARN has no region, write \"region\""
    end

    target.service = target.service or at.service
    target.credentials = target.credentials or defaults.credentials
                         or DEFAULT_CREDENTIALS
    target.host = target.host or host_of(at.host, target.region)
    target.url = target.url or "https://" .. target.host

    return true
end


local function set_key(target, route)
    if not target.url then
        return nil, ".url: is missing"
    end

    target.host = target.host or match(target.url, "^https?://([^/]+)")
    target.key_header = target.key_header or route.key

    if target.key_file then
        local key, err = keys.read(target.key_file)
        if not key then
            return nil, ".key_file: " .. err
        end
    end

    return true
end


local function check_use(target, route)
    local unused = {}

    unused[1] = not route.at.signed and ONLY.signed or ONLY.keyed
    unused[2] = not route.invoke and ONLY.invoke or nil

    for _, fields in ipairs(unused) do
        for _, field in ipairs(fields) do
            if target[field] ~= nil then
                return nil, "." .. field .. ": has no use with route \""
                            .. target.route .. "\""
            end
        end
    end

    if route.bedrock and (target.drop or target.rename) then
        return nil, ".drop, .rename: bodies of route \"bedrock\" are not "
                    .. "changed"
    end

    return true
end


local function as_set(list)
    local set = {}

    for _, name in ipairs(list) do
        set[name] = true
    end

    return set
end


local function set_edits(target)
    for _, name in ipairs(target.drop or {}) do
        if name == "model" or name == "stream" then
            return nil, ".drop: \"" .. name .. "\" is needed"
        end
    end

    for old, new in pairs(target.rename or {}) do
        if old == "model" or old == "stream" or new == "model"
           or new == "stream"
        then
            return nil, ".rename: \"model\" and \"stream\" are needed"
        end
    end

    target.model_json = quote(target.model)
    target.betas = target.beta and as_set(target.beta)

    return true
end


local function finish(target, defaults)
    local route = ROUTES[target.route]

    local ok, err = check_use(target, route)
    if not ok then
        return nil, err
    end

    target.signed = route.at.signed
    target.invoke = route.invoke

    if target.signed then
        ok, err = set_scope(target, route.at, defaults)

    else
        ok, err = set_key(target, route)
    end

    if not ok then
        return nil, err
    end

    ok, err = set_edits(target)
    if not ok then
        return nil, err
    end

    target.cooldown = target.cooldown or defaults.cooldown
                      or DEFAULT_COOLDOWN

    if target.retry_timeout == nil then
        target.retry_timeout = defaults.retry_timeout
    end

    set_urls(target, route, target.url)

    target.label = target.name or target.route .. ":"
                   .. (target.region or match(target.url, "^https?://([^/]+)"))
    target.cool_key = "cool:" .. target.url .. " " .. target.host .. " "
                      .. target.model .. " "
                      .. (target.credentials or target.key_file or "")

    return true
end


local function parse_target(value, defaults, at)
    local target, err = check(value, TARGET, at)
    if not target then
        return nil, err
    end

    for _, field in ipairs { "route", "model" } do
        if target[field] == nil then
            return nil, at .. "." .. field .. ": is missing"
        end
    end

    local ok
    ok, err = finish(target, defaults)
    if not ok then
        return nil, at .. err
    end

    return target
end


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
        local target, err = parse_target(value[i], defaults, place(at, i))
        if not target then
            return nil, err
        end

        for _, dialect in ipairs { "openai", "anthropic", "bedrock" } do
            if ROUTES[target.route][dialect] then
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
    local native, err = check(value, NATIVE, "native")
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


local SECTIONS = { defaults = true, native = true, models = true }


function _M.parse(value)
    local err

    for _, key in ipairs(sorted(value)) do
        if not SECTIONS[key] then
            return nil, place("", key) .. ": unknown field"
        end
    end

    local defaults = {}

    if value.defaults ~= nil then
        defaults, err = check(value.defaults, DEFAULTS, "defaults")
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


-- the target of a model that the table does not name; `path` is its id as the
-- client sent it, and goes on as it is

function _M.native(models, id, path)
    local native = models.native
    local target = {
        route = "bedrock",
        signed = true,
        model = id,
        region = native.region,
        service = native.service,
        host = native.host,
        credentials = native.credentials,
        url = native.url,
        cooldown = 0,
        urls = {},
    }

    -- the ARN knows better than what is meant for ids without a region
    local region = arn_region(id)

    if region and is_region(region) and not target.host then
        target.region = region
    end

    if not set_scope(target, RUNTIME, native.defaults) then
        return nil
    end

    target.label = "bedrock:" .. target.region
    native_urls(target.urls, target.url, path)

    return target
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
