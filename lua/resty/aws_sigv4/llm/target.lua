-- Copyright (C) ngx_aws_sigv4_module authors
--
-- SPDX-License-Identifier: BSD-2-Clause

-- A target: one place that has a model.  Everything that can be told of it
-- beforehand is made here, when the table is read.
--
--     target, err = targets.parse(value, defaults, at)
--         `at` is where it stands in the table
--     target = targets.native(native, id, path)
--         of a model that the table does not name; `native` is its section
--         for those, and `path` the id as the client sent it, which goes on
--         as it is.  nil: there is no region
--     list = targets.betas(target, sent)
--         the flags of Anthropic-Beta that it may get
--
-- It has, beside the fields of the file: signed (or else it has a key),
-- invoke, host, authority (where nginx connects to), region, service,
-- credentials, urls (operation → URL), label (for logs), model_json (as it
-- goes into bodies), betas (a set), no_options (it does not know
-- "stream_options"), cool_key (in the shared dict).


local checks = require "resty.aws_sigv4.llm.checks"
local endpoints = require "resty.aws_sigv4.llm.endpoints"
local keys = require "resty.aws_sigv4.llm.keys"
local quoting = require "resty.aws_sigv4.llm.quoting"


local gmatch = string.gmatch
local ipairs = ipairs
local match = string.match
local pairs = pairs
local quote = quoting.quote

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

local arn_region = endpoints.arn_region

local ROUTES = endpoints.routes

local DEFAULT_COOLDOWN = 10
local DEFAULT_CREDENTIALS = "default"


local _M = { version = "0.1.0" }


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

-- fields that only some routes have a use for
local ONLY = {
    signed = { "region", "service", "credentials" },
    keyed = { "key_file", "key_header" },
    invoke = { "guardrail", "guardrail_version", "trace" },
}


local function authority(url)
    return match(url, "^https?://([^/]+)")
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
    target.host = target.host or endpoints.host(at, target.region)
    target.url = target.url or "https://" .. target.host

    return true
end


local function set_key(target, route)
    if not target.url then
        return nil, ".url: is missing"
    end

    target.host = target.host or authority(target.url)
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

        target.no_options = target.no_options or name == "stream_options"
    end

    for old, new in pairs(target.rename or {}) do
        if old == "model" or old == "stream" or new == "model"
           or new == "stream"
        then
            return nil, ".rename: \"model\" and \"stream\" are needed"
        end

        target.no_options = target.no_options or old == "stream_options"
                            or new == "stream_options"
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

    target.urls = endpoints.urls(target)
    target.authority = authority(target.url)

    target.label = target.name or target.route .. ":"
                   .. (target.region or target.authority)
    target.cool_key = "cool:" .. target.url .. " " .. target.host .. " "
                      .. target.model .. " "
                      .. (target.credentials or target.key_file or "")

    return true
end


function _M.parse(value, defaults, at)
    local target, err = checks.fields(value, TARGET, at)
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


function _M.betas(target, sent)
    local list = {}

    for beta in gmatch(sent, "[^,%s]+") do
        if target.betas and target.betas[beta] then
            list[#list + 1] = beta
        end
    end

    return list
end


function _M.native(native, id, path)
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
    }

    -- the ARN knows better than what is meant for ids without a region
    local region = arn_region(id)

    if region and is_region(region) and not target.host then
        target.region = region
    end

    if not set_scope(target, endpoints.runtime, native.defaults) then
        return nil
    end

    target.label = "bedrock:" .. target.region
    target.urls = endpoints.native_urls(target.url, path)

    return target
end


return _M
