-- Copyright (C) ngx_aws_sigv4_module authors
--
-- SPDX-License-Identifier: BSD-2-Clause

-- The errors of the LLM front, in the shapes that clients of OpenAI, of
-- Anthropic and of Amazon Bedrock expect.
--
--     errors.send(dialect, code, message, retry_after)
--         answers the request
--     body = errors.body(dialect, code, message, request_id)
--     event = errors.event(dialect, code, message, request_id)
--     errors.headers(dialect, code, retry_after)
--         its parts, for answers that have begun
--     errors.status(code), errors.exception(code)
--         the latter for clients of Bedrock
--     errors.is_clean(text)
--         whether no key and no account is in it
--     errors.request_id()


local codes = require "resty.aws_sigv4.llm.codes"
local quoting = require "resty.aws_sigv4.llm.quoting"


local error = error
local gsub = string.gsub
local list = codes.list
local ngx = ngx
local quote = quoting.quote
local sub = string.sub
local tostring = tostring
local type = type


local _M = { version = "0.1.0" }


local anthropic_types = {
    [401] = "authentication_error",
    [403] = "permission_error",
    [404] = "not_found_error",
    [413] = "request_too_large",
    [429] = "rate_limit_error",
    [503] = "overloaded_error",
    [504] = "timeout_error",
}


local MAX_MESSAGE = 2048


local function known(code)
    local entry = list[code]

    if entry == nil then
        error("unknown error code: " .. tostring(code), 3)
    end

    return entry
end


-- What an upstream says may hold keys and the number of an account.

local function redact(s)
    s = gsub(s, "(arn:[%w%-]*:[%w%-]*:[%w%-]*:)%d+", "%1***")
    s = gsub(s, "([Bb]earer%s+)[%w%-%._~%+/=]+", "%1***")
    s = gsub(s, "%f[%w](sk%-)[%w%-_%.%*]+", "%1***")
    s = gsub(s, "%f[%w](A[KS]IA)%w+", "%1***")

    return s
end


-- whether nothing of that is in it

function _M.is_clean(s)
    return redact(s) == s
end


-- The text to show: the default of the code where there is none.

local function shown(entry, message)
    if entry.own or type(message) ~= "string" or message == "" then
        return entry.message
    end

    message = redact(message)

    if #message > MAX_MESSAGE then
        message = sub(message, 1, MAX_MESSAGE)
        -- a sequence that was cut
        message = gsub(message, "[\192-\255][\128-\191]*$", "")
    end

    return message
end


local function object(dialect, code, entry, message, request_id)
    if dialect == "anthropic" then
        local kind = anthropic_types[entry.status]
                     or (entry.status < 500 and "invalid_request_error")
                     or "api_error"

        return '{"type":"error","error":{"type":"' .. kind .. '","message":'
               .. quote(message) .. '},"request_id":'
               .. (request_id and quote(request_id) or "null") .. "}"
    end

    if dialect == "bedrock" then
        return '{"message":' .. quote(message) .. "}"
    end

    return '{"error":{"message":' .. quote(message) .. ',"type":"'
           .. entry.type .. '","param":null,"code":'
           .. (entry.no_code and "null" or '"' .. code .. '"') .. "}}"
end


-- Messages that come from an upstream are redacted and cut here.

function _M.body(dialect, code, message, request_id)
    local entry = known(code)

    return object(dialect, code, entry, shown(entry, message), request_id)
end


-- One event of a stream of server-sent events, which is the last.

function _M.event(dialect, code, message, request_id)
    local entry = known(code)
    local data = object(dialect, code, entry, shown(entry, message),
                        request_id)

    if dialect == "anthropic" then
        return "event: error\ndata: " .. data .. "\n\n"
    end

    return "data: " .. data .. "\n\n"
end


function _M.status(code)
    return known(code).status
end


function _M.exception(code)
    return known(code).aws
end


-- Sets the headers of an error, in phases up to the header filter.

function _M.headers(dialect, code, retry_after)
    local entry = known(code)
    local header = ngx.header

    header["Content-Type"] = "application/json"

    if entry.retry == false then
        header["x-should-retry"] = "false"
    end

    retry_after = retry_after or (not header["Retry-After"] and entry.wait)

    if retry_after then
        header["Retry-After"] = retry_after
    end

    if dialect == "bedrock" then
        header["x-amzn-errortype"] = entry.aws
    end
end


function _M.request_id()
    return "req_" .. (ngx.var.request_id or "0")
end


-- Answers the request.  For rewrite, access and content phases; does not
-- return.

function _M.send(dialect, code, message, retry_after)
    local entry = known(code)
    local request_id

    if dialect == "anthropic" then
        request_id = _M.request_id()
        ngx.header["request-id"] = request_id
    end

    -- else what is left of the body would be read as the next request
    ngx.req.discard_body()

    local body = _M.body(dialect, code, message, request_id)

    ngx.ctx.llm_error_sent = true
    ngx.var.llm_error = code
    ngx.status = entry.status
    ngx.header["Content-Length"] = #body

    _M.headers(dialect, code, retry_after)

    ngx.print(body)

    return ngx.exit(ngx.HTTP_OK)
end


return _M
