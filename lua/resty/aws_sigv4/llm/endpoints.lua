-- Copyright (C) ngx_aws_sigv4_module authors
--
-- SPDX-License-Identifier: BSD-2-Clause

-- Where models are: the routes that a target can have, the hosts of Bedrock
-- in each region, and the URL of each operation.
--
--     endpoints.routes        by name: { at =, openai =, anthropic =,
--                             bedrock =, invoke =, key = }, where each dialect
--                             has the prefix of its paths, or nothing; `key`
--                             is the header that a key is sent in
--     endpoints.runtime       the `at` of Bedrock's own API
--     host = endpoints.host(at, region)
--     region = endpoints.arn_region(model)
--     urls = endpoints.urls(target)
--         operation → URL
--     urls = endpoints.native_urls(base, id)
--         of Bedrock's own API; `id` as it stands in the path
--
-- `at` is { signed =, service =, host = }: what its hosts begin with, and the
-- service that is signed for, or that nothing is signed where a key is sent.


local byte = string.byte
local format = string.format
local gsub = string.gsub
local ipairs = ipairs
local match = string.match
local pairs = pairs
local sub = string.sub


local _M = { version = "0.1.0" }


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


local function escape_byte(c)
    return format("%%%02X", byte(c))
end


-- As AWS SDKs send an id, or with ":" as it is; a "/" of an ARN is encoded in
-- either case.

local function path_of(model, way)
    return (gsub(model, way == "raw" and "[^%w%-._~:]" or "[^%w%-._~]",
                 escape_byte))
end


function _M.host(at, region)
    for _, partition in ipairs(PARTITIONS) do
        if sub(region, 1, #partition[1]) == partition[1] then
            local mantle = at == MANTLE

            return at.host .. region .. "." .. partition[mantle and 3 or 2]
        end
    end
end


function _M.arn_region(model)
    return match(model, "^arn:[%w%-]+:[%w%-]+:([%l%d%-]+):")
end


local function native_urls(base, id)
    local urls = {}

    for _, action in ipairs(ACTIONS) do
        urls[action] = base .. "/model/" .. id .. "/" .. action
    end

    return urls
end


function _M.urls(target)
    local route = ROUTES[target.route]
    local base = target.url
    local urls

    if route.invoke or route.bedrock then
        urls = native_urls(base, path_of(target.model, target.model_path))

    else
        urls = {}

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

    return urls
end


_M.routes = ROUTES
_M.runtime = RUNTIME
_M.native_urls = native_urls


return _M
