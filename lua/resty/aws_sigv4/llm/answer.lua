-- Copyright (C) ngx_aws_sigv4_module authors
--
-- SPDX-License-Identifier: BSD-2-Clause

-- What the client gets: the answer as it came, byte for byte and when it
-- came, but for
--
--     errors whose body is not in the shape of the caller's API
--     event streams of InvokeModel, which become events of Anthropic's API
--     streams that broke off, which end with one error event
--
-- and how many tokens it took, in the variables of the log.
--
--     answer.header(s), answer.body(s), answer.log(s)
--         in their phases, for the state of the request
--
-- The status of an error is sent before its body has come, and so follows
-- from the upstream's status and its x-amzn-errortype alone.  For the same
-- reason an exception that is the first frame of a stream is an event.


local callers = require "resty.aws_sigv4.llm.callers"
local errors = require "resty.aws_sigv4.llm.errors"
local eventstream = require "resty.aws_sigv4.llm.eventstream"
local foreign = require "resty.aws_sigv4.llm.foreign"
local usage = require "resty.aws_sigv4.llm.usage"


local ngx = ngx
local concat = table.concat
local find = string.find
local format = string.format
local lower = string.lower
local match = string.match
local tonumber = tonumber
local type = type


local _M = { version = "0.1.0" }


local MAX_ERROR = 64 * 1024

local CUT = "The upstream broke off the stream."

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

-- statuses of upstreams that mean something else to the client
local CHANGED = {
    [401] = true,
    [407] = true,
    [408] = true,
    [424] = true,
}


-- the last of the values of a variable that has one for each upstream

local function last_of(value)
    return value and match(value, "([%d.%-]+)%s*$")
end


local function signer_code(s)
    return s.target and s.target.signed and SIGNER[ngx.var.aws_sigv4_status]
end


-- Whether this status is that of an upstream's head.

local function from_upstream(s, status)
    local var = ngx.var

    return s.target and not s.unsent and not signer_code(s)
           and tonumber(last_of(var.upstream_status)) == status
           and last_of(var.upstream_header_time) ~= "-"
end


local function own_code(s, status)
    local code = signer_code(s)

    if code then
        return code
    end

    local var = ngx.var

    if s.target and not s.unsent and (status == 502 or status == 504)
       and tonumber(last_of(var.upstream_status)) == status
       and last_of(var.upstream_connect_time) == "-"
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

local function replace(s, a, code)
    a.code = code
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
    local code = errors.from_aws(status, errortype)

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
       and (errors.is_exception(errortype) or CHANGED[status]
            or (status == 529 and s.dialect == "openai"))
    then
        ngx.status = errors.status(code)
        errors.headers(s.dialect, code)

    elseif content_of(header) ~= "json" then
        -- JSON may name its exception itself
        if s.dialect == "bedrock" and not errortype then
            header["x-amzn-errortype"] = errors.codes[code].aws
        end

        header["Content-Type"] = "application/json"

    elseif not header["Content-Type"] then
        header["Content-Type"] = "application/json"
    end

    clear_headers()
    set_request_id(s, a)
end


-- answers

local function count_headers(tap, header)
    local function get(name)
        return one(header["x-amzn-bedrock-" .. name .. "-token-count"])
    end

    tap:headers(get("input"), get("output"), get("cache-read-input"),
                get("cache-write-input"))
end


local function stream(s, a, header)
    a.mode = "pass"
    a.tap = usage.new(s.dialect .. "-sse")
    a.stream = true

    -- an error event may follow
    header["Content-Length"] = nil
end


local function converted(a, header)
    a.mode = "convert"
    a.tap = usage.new("invoke-stream")
    a.decoder = eventstream.new()

    header["Content-Length"] = nil
    header["Content-Type"] = "text/event-stream; charset=utf-8"
    header["Cache-Control"] = "no-cache"
end


local function success(s, a)
    local header = ngx.header
    local content = content_of(header)
    local encoded = header["Content-Encoding"] ~= nil

    a.mode = "pass"

    if s.dialect == "bedrock" then
        local kind = KINDS[s.operation]

        if kind and not encoded then
            a.tap = usage.new(kind)
            count_headers(a.tap, header)
        end

        return
    end

    if content == "sse" then
        if not encoded then
            stream(s, a, header)
        end

    elseif content == "frames" and s.target.invoke and not encoded then
        converted(a, header)

    elseif content ~= "json" or header["Content-Length"] == "0" then
        return replace(s, a, "upstream_error")

    elseif not encoded then
        a.tap = usage.new(s.dialect .. "-json")
        count_headers(a.tap, header)
    end
end


-- Bytes that are no HTTP are HTTP/0.9 to nginx, which answers in kind: to a
-- client of HTTP/1 without a head.  That is made here then.

local function head_of(code, body)
    return format("HTTP/1.1 %d %s\r\n"
                  .. "Content-Type: application/json\r\n"
                  .. "Content-Length: %d\r\n"
                  .. "Connection: close\r\n\r\n",
                  errors.status(code), "Bad Gateway", #body)
end


local function no_http(s, a)
    replace(s, a, "upstream_error")

    a.headless = ngx.var.http2 == ""
end


function _M.header(s)
    local ctx = ngx.ctx
    local status = ngx.status

    if ctx.llm_error_sent or ngx.is_subrequest then
        return
    end

    local a = {}

    if s.target and ngx.req.http_version() == 0.9 then
        ctx.llm_answer = a
        no_http(s, a)

    elseif from_upstream(s, status) then
        ctx.llm_answer = a

        if status == 200 then
            success(s, a)

        elseif status >= 300 then
            normalise(s, a, status)

        else
            a.mode = "pass"
        end

    elseif status >= 400 then
        ctx.llm_answer = a
        replace(s, a, own_code(s, status))
    end
end


-- bodies


local function first_byte(a)
    if a.first == nil then
        a.first = true
        ngx.var.llm_first_token = format("%.3f", ngx.now()
                                                 - ngx.req.start_time())
    end
end


-- nginx flushes an empty buffer when an upstream has broken off, and at the
-- begin of an answer; there is a time of the response after its end only.

local function is_cut()
    return last_of(ngx.var.upstream_response_time) ~= "-"
end


local modes = {}


function modes.replace(s, a)
    if a.done then
        ngx.arg[1] = nil
        return
    end

    local body = errors.body(s.dialect, a.code, nil, a.request_id)

    a.done = true
    ngx.arg[1] = a.headless and head_of(a.code, body) .. body or body
    ngx.arg[2] = true
end


modes["error"] = function (s, a, chunk, eof)
    if chunk ~= "" and not a.overflow then
        a.size = a.size + #chunk

        if a.size > MAX_ERROR then
            a.overflow = true
            a.parts = {}

        else
            a.parts[#a.parts + 1] = chunk
        end
    end

    if not eof and not (chunk == "" and is_cut()) then
        ngx.arg[1] = nil
        return
    end

    local body = not a.overflow and not a.encoded and concat(a.parts) or ""
    local same, code, message = foreign.read(s.dialect, body, a.code,
                                             a.upstream_status, a.errortype)

    ngx.var.llm_error = code
    ngx.arg[1] = same and body
                 or errors.body(s.dialect, code, message, a.request_id)
    ngx.arg[2] = true
end


local function broken(s, a, code, message)
    a.done = true
    ngx.var.llm_error = code

    return errors.event(s.dialect, code, message, a.request_id)
end


function modes.pass(s, a, chunk, eof)
    local tap = a.tap

    if chunk ~= "" then
        first_byte(a)

        if tap then
            tap:feed(chunk)
        end
    end

    if not a.stream or a.done or tap.ended or tap.failed then
        return
    end

    if eof or (chunk == "" and is_cut()) then
        -- what may be left of an event ends here
        local gap = tap:between_events() and "" or "\n\n"

        ngx.arg[1] = chunk .. gap .. broken(s, a, "upstream_error", CUT)
        ngx.arg[2] = true
    end
end


local function from_frame(s, a, frame)
    local kind, value, code, message = foreign.frame(frame)

    if kind == "event" then
        a.tap:document(value.document)

        if value.type == "message_stop" or value.type == "error" then
            a.ended = true
        end

        return value.text
    end

    return kind == "error" and broken(s, a, code, message) or ""
end


function modes.convert(s, a, chunk, eof)
    local out, n = {}, 0

    if a.done then
        ngx.arg[1] = nil
        return
    end

    local frames, err = a.decoder:feed(chunk)

    for i = 1, frames and #frames or 0 do
        n = n + 1
        out[n] = from_frame(s, a, frames[i])

        if a.done then
            break
        end
    end

    if not a.done and not a.ended
       and (err or eof or (chunk == "" and is_cut()))
    then
        n = n + 1
        out[n] = broken(s, a, "upstream_error",
                        err and "The stream is damaged." or CUT)
    end

    local text = concat(out)

    if text ~= "" then
        first_byte(a)
    end

    ngx.arg[1] = text

    if a.done then
        ngx.arg[2] = true
    end
end


function _M.body(s)
    local a = ngx.ctx.llm_answer

    if a then
        return modes[a.mode](s, a, ngx.arg[1], ngx.arg[2])
    end
end


local function number(value)
    return value and format("%d", value) or "-"
end


function _M.log(s)
    local a = ngx.ctx.llm_answer
    local tap = a and a.tap

    if not tap then
        return
    end

    local var = ngx.var
    local prompt, completion, cached = tap:finish()

    var.llm_prompt_tokens = number(prompt)
    var.llm_completion_tokens = number(completion)
    var.llm_cached_tokens = number(cached)

    if prompt or completion then
        callers.charge(s, (prompt or 0) + (completion or 0))
    end
end


return _M
