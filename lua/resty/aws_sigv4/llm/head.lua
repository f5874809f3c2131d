-- Copyright (C) ngx_aws_sigv4_module authors
--
-- SPDX-License-Identifier: BSD-2-Clause

-- The head of an answer: what its body will be, and which status and headers
-- go with it.
--
--     answer = head.filter(s)
--         in the header filter; nil where the answer is none of ours.  What
--         bodies.lua needs to know: mode, tap, code, request_id …
--
-- Of a body that was waited for, `read` is how many bytes have been looked at
-- here, and `frames` what was found in them.


local causes = require "resty.aws_sigv4.llm.causes"
local errors = require "resty.aws_sigv4.llm.errors"
local eventstream = require "resty.aws_sigv4.llm.eventstream"
local foreign = require "resty.aws_sigv4.llm.foreign"
local hold = require "resty.aws_sigv4.llm.hold"
local unasked = require "resty.aws_sigv4.llm.unasked"
local upstream = require "resty.aws_sigv4.llm.upstream"
local usage = require "resty.aws_sigv4.llm.usage"


local ngx = ngx
local find = string.find
local ipairs = ipairs
local lower = string.lower
local match = string.match
local pairs = pairs
local sub = string.sub
local tonumber = tonumber
local type = type


local _M = { version = "0.1.0" }


local KINDS = {
    ["converse"] = "converse-json",
    ["converse-stream"] = "converse-stream",
    ["invoke"] = "invoke-json",
    ["invoke-with-response-stream"] = "invoke-stream",
}

-- states of the signer in which it asked no upstream
local SIGNER = {
    denied = "gateway_error",
    hook_error = "gateway_error",
    bad_request = "invalid_request",
    bad_host = "gateway_error",
    host_not_allowed = "gateway_error",
    no_service = "gateway_error",
    no_region = "gateway_error",
    bad_scope = "gateway_error",
    no_provider = "gateway_error",
    no_credentials = "gateway_no_credentials",
    bad_payload = "gateway_error",
    chunk_signed = "invalid_request",
    not_sealed = "gateway_error",
    error = "gateway_error",
}

-- what nginx answers by itself
local OWN = {
    [401] = "invalid_api_key",
    [403] = "model_not_allowed",
    [404] = "unsupported_route",
    [405] = "method_not_allowed",
    [413] = "request_too_large",
    [415] = "unsupported_media_type",
    [429] = "rate_limit_exceeded",
    [502] = "upstream_error",
    [503] = "service_unavailable",
    [504] = "upstream_timeout",
}

-- headers that tell of the gateway's own account with an upstream, by how
-- their names begin: its limits, what it has spent, whose it is
local ACCOUNT = {
    "anthropic-organization-id",
    "anthropic-ratelimit-",
    "llm_provider-",
    "openai-organization",
    "openai-project",
    "ratelimit",
    "x-litellm-key-",
    "x-litellm-response-cost",
    "x-ratelimit",
}

-- statuses of upstreams that mean something else to the client
local CHANGED = {
    [401] = true,
    [407] = true,
    [408] = true,
    [424] = true,
}


local function signer_code(s)
    return s.target and s.target.signed and SIGNER[ngx.var.aws_sigv4_status]
end


-- Whether this status is that of an upstream's head.

local function from_upstream(s, status)
    return s.target and not s.unsent and not signer_code(s)
           and upstream.status() == status and upstream.has_head()
end


local function own_code(s, status)
    local code = signer_code(s)

    if code then
        return code
    end

    if s.target and not s.unsent and (status == 502 or status == 504)
       and upstream.status() == status and not upstream.is_connected()
    then
        return "upstream_unreachable"
    end

    return OWN[status] or (status < 500 and "invalid_request")
           or "gateway_error"
end


local function one(value)
    return type(value) == "table" and value[1] or value
end


local function set_request_id(s, a)
    if s.dialect ~= "anthropic" then
        return
    end

    local header = ngx.header

    a.request_id = one(header["request-id"] or header["x-amzn-requestid"])
                   or errors.request_id()

    if not header["request-id"] then
        header["request-id"] = a.request_id
    end
end


-- "sse", "frames", "json", or nil for what is none of an API

local function content_of(header)
    local value = lower(one(header["Content-Type"]) or "")

    value = match(value, "^%s*([^%s;]*)")

    if value == "text/event-stream" then
        return "sse"
    end

    if value == "application/vnd.amazon.eventstream" then
        return "frames"
    end

    if value == "" or value == "application/json"
       or find(value, "^application/.*%+json$")
    then
        return "json"
    end
end


-- of a body that is not to be sent

local function clear_headers()
    local header = ngx.header

    header["Content-Length"] = nil
    header["Content-Encoding"] = nil
    header["Accept-Ranges"] = nil
    header["ETag"] = nil
    header["Last-Modified"] = nil
    header["Location"] = nil
    header["WWW-Authenticate"] = nil
    header["Proxy-Authenticate"] = nil
end


-- The body will be ours, whatever comes.

local function replace(s, a, code, message)
    a.code = code
    a.message = message
    a.mode = "replace"

    ngx.var.llm_error = code
    ngx.status = errors.status(code)

    clear_headers()
    set_request_id(s, a)
    errors.headers(s.dialect, code)
end


-- Whether the body will be the upstream's is known when it has come.

local function normalise(s, a, status)
    local header = ngx.header
    local errortype = one(header["x-amzn-errortype"])
    local code = causes.of(status, errortype)

    if code == "upstream_auth_failed" or status < 400 then
        return replace(s, a, code)
    end

    a.code = code
    a.mode = "error"
    a.upstream_status = status
    a.errortype = errortype
    a.encoded = header["Content-Encoding"] ~= nil
    a.parts = {}
    a.size = 0

    ngx.var.llm_error = code

    if s.dialect ~= "bedrock"
       and (causes.is_known(errortype) or CHANGED[status]
            or (status == 529 and s.dialect == "openai"))
    then
        ngx.status = errors.status(code)
        errors.headers(s.dialect, code)

    elseif content_of(header) ~= "json" then
        -- JSON may name its exception itself
        if s.dialect == "bedrock" and not errortype then
            header["x-amzn-errortype"] = errors.exception(code)
        end

        header["Content-Type"] = "application/json"

    elseif not header["Content-Type"] then
        header["Content-Type"] = "application/json"
    end

    clear_headers()
    set_request_id(s, a)
end


-- What is left for the client to see are ids of requests, and Retry-After.

local function hide_account()
    local header = ngx.header

    for name in pairs(ngx.resp.get_headers(0)) do
        for _, begin in ipairs(ACCOUNT) do
            if sub(name, 1, #begin) == begin then
                header[name] = nil
                break
            end
        end
    end
end


-- answers

local function count_headers(tap, header)
    local function get(name)
        return one(header["x-amzn-bedrock-" .. name .. "-token-count"])
    end

    tap:headers(get("input"), get("output"), get("cache-read-input"),
                get("cache-write-input"))
end


local function new_tap(s, kind)
    local tap = usage.new(kind)

    if s.metered then
        tap:measure()
    end

    return tap
end


local function stream(s, a, header)
    a.mode = "pass"
    a.tap = new_tap(s, s.dialect .. "-sse")
    a.stream = true
    a.unasked = s.unasked and unasked.new()

    -- an error event may follow
    header["Content-Length"] = nil
end


-- The code and the message of a stream that is no answer from its begin.

local function first_error(a, ended)
    local frame = a.frames and a.frames[1]

    if frame then
        local kind, _, code, message = foreign.frame(frame)

        return kind == "error" and code, message
    end

    return (ended or not a.frames) and "upstream_error"
end


local function converted(s, a, header)
    local held, ended = hold.get()
    local code, message

    a.decoder = eventstream.new()

    if held then
        a.read = #held
        a.frames = a.decoder:feed(held)
        code, message = first_error(a, ended)
    end

    if s.target.invoke then
        a.tap = new_tap(s, "invoke-stream")

    else
        code = code or "upstream_error"
    end

    if code then
        return replace(s, a, code, message)
    end

    a.mode = "convert"

    header["Content-Length"] = nil
    header["Content-Type"] = "text/event-stream; charset=utf-8"
    header["Cache-Control"] = "no-cache"
end


local function whole(s, a, header)
    local held, ended = hold.get()

    a.mode = "json"
    a.tap = new_tap(s, s.dialect .. "-json")
    a.length = tonumber(one(header["Content-Length"]))
    a.received = 0
    count_headers(a.tap, header)

    if held then
        a.read = #held
        a.tap:feed(held)

        if ended and (not a.tap:is_complete()
                      or a.length and a.length ~= a.read)
        then
            return replace(s, a, "upstream_error")
        end
    end
end


local function success(s, a)
    local header = ngx.header
    local content = content_of(header)
    local encoded = header["Content-Encoding"] ~= nil

    a.mode = "pass"

    if s.dialect == "bedrock" then
        local kind = KINDS[s.operation]

        if kind and not encoded then
            a.tap = new_tap(s, kind)
            count_headers(a.tap, header)
        end

        return
    end

    if content == "sse" then
        if not encoded then
            stream(s, a, header)
        end

    elseif content == "frames" and not encoded then
        converted(s, a, header)

    elseif content ~= "json" or header["Content-Length"] == "0" then
        return replace(s, a, "upstream_error")

    elseif not encoded then
        whole(s, a, header)
    end
end


local function no_http(s, a)
    replace(s, a, "upstream_error")

    a.headless = ngx.var.http2 == ""
end


function _M.filter(s)
    local status = ngx.status
    local a = {}

    if s.target and ngx.req.http_version() == 0.9 then
        no_http(s, a)

    elseif from_upstream(s, status) then
        hide_account()

        if status == 200 then
            success(s, a)

        elseif status >= 300 then
            normalise(s, a, status)

        else
            a.mode = "pass"
        end

    elseif status >= 400 then
        replace(s, a, own_code(s, status))

    else
        return nil
    end

    return a
end


return _M
