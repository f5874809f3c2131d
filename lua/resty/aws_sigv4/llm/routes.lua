-- Copyright (C) ngx_aws_sigv4_module authors
--
-- SPDX-License-Identifier: BSD-2-Clause

-- What a client asks for, by the path as it stands in the request line: that
-- nginx decodes and normalises paths plays no part.
--
--     dialect, operation, id = routes.find(path)
--         the dialect is there for errors where the operation is nil; `id`
--         is that of a model, as it was sent
--     routes.method(operation)
--         "POST", or "GET"
--     routes.decode(id)
--         percent-decoded; nil if that is no encoding


local ngx = ngx
local char = string.char
local find = string.find
local gsub = string.gsub
local match = string.match
local sub = string.sub
local tonumber = tonumber


local _M = { version = "0.1.0" }


local DIALECTS = {
    chat = "openai",
    completions = "openai",
    embeddings = "openai",
    responses = "openai",

    messages = "anthropic",
    count_tokens = "anthropic",
}

local PATHS = {
    ["/v1/chat/completions"] = "chat",
    ["/v1/completions"] = "completions",
    ["/v1/embeddings"] = "embeddings",
    ["/v1/responses"] = "responses",
    ["/v1/messages"] = "messages",
    ["/v1/messages/count_tokens"] = "count_tokens",
    ["/v1/models"] = "models",
}

local ACTIONS = {
    ["converse"] = true,
    ["converse-stream"] = true,
    ["invoke"] = true,
    ["invoke-with-response-stream"] = true,
    ["count-tokens"] = true,
}


_M.actions = ACTIONS


-- Both SDKs ask for /v1/models; that of Anthropic always sends its version.

local function shape(path)
    if find(path, "^/model/") then
        return "bedrock"
    end

    if find(path, "^/v1/messages") or ngx.var.http_anthropic_version then
        return "anthropic"
    end

    return "openai"
end


-- A "/" may be part of an ARN.  What steps to another path may not, nor what
-- does so for a server that decodes first.

local function steps(id)
    return id ~= nil and find("/" .. id .. "/", "/%.?%.?/") ~= nil
end


local function native(path)
    local id, action = match(path, "^/model/(.+)/([%l-]+)$")

    if not id or not ACTIONS[action] or steps(id) or steps(_M.decode(id)) then
        return nil
    end

    return action, id
end


function _M.find(path)
    local operation = PATHS[path]

    if operation then
        return DIALECTS[operation] or shape(path), operation
    end

    local dialect = shape(path)

    if dialect == "bedrock" then
        return dialect, native(path)
    end

    if sub(path, 1, 11) == "/v1/models/" and #path > 11 then
        return dialect, "model", sub(path, 12)
    end

    return dialect
end


function _M.method(operation)
    if operation == "models" or operation == "model" then
        return "GET"
    end

    return "POST"
end


local function byte_of(hex)
    return char(tonumber(hex, 16))
end


function _M.decode(id)
    if not find(id, "%", 1, true) then
        return id
    end

    if find(id, "%%%X") or find(id, "%%.?$") or find(id, "%%%x%X") then
        return nil
    end

    return (gsub(id, "%%(%x%x)", byte_of))
end


return _M
