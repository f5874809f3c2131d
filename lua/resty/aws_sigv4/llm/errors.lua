-- Copyright (C) ngx_aws_sigv4_module authors
--
-- SPDX-License-Identifier: BSD-2-Clause

-- The errors of the LLM front: one list of codes, and what each of them looks
-- like to clients of OpenAI, of Anthropic and of Amazon Bedrock.


local cjson = require "cjson.safe"


local encode = cjson.encode
local byte = string.byte
local find = string.find
local gsub = string.gsub
local lower = string.lower
local match = string.match
local sub = string.sub
local tonumber = tonumber
local tostring = tostring
local type = type
local error = error
local concat = table.concat
local ngx = ngx


local _M = { version = "0.1.0" }


-- Statuses and types are chosen so that the SDKs retry what is worth it: they
-- retry 408, 409, 429 and 5xx unless "x-should-retry: false" is there.
--   type   of OpenAI; Anthropic's follows from the status
--   aws    name of the exception for clients of Bedrock
--   wait   default of Retry-After, seconds
--   own    the upstream's text may tell of credentials: ours is used always

local codes = {
    invalid_json = {
        status = 400, type = "invalid_request_error",
        aws = "ValidationException",
        message = "The request body is not valid JSON.",
    },
    missing_model = {
        status = 400, type = "invalid_request_error",
        aws = "ValidationException",
        message = "The request names no model.",
    },
    invalid_model = {
        status = 400, type = "invalid_request_error",
        aws = "ValidationException",
        message = "The name of the model must be a string.",
    },
    invalid_request = {
        status = 400, type = "invalid_request_error",
        aws = "ValidationException",
        message = "The request is not valid.",
        no_code = true,
    },
    context_length_exceeded = {
        status = 400, type = "invalid_request_error",
        aws = "ValidationException",
        message = "The input is too long for the model.",
    },
    invalid_api_key = {
        status = 401, type = "authentication_error",
        aws = "UnrecognizedClientException",
        message = "The API key is missing or not valid.",
    },
    model_not_allowed = {
        status = 403, type = "permission_error",
        aws = "AccessDeniedException",
        message = "This API key may not use this model.",
    },
    model_access_denied = {
        status = 403, type = "permission_error",
        aws = "AccessDeniedException",
        message = "The gateway may not use this model.",
    },
    model_not_found = {
        status = 404, type = "invalid_request_error",
        aws = "ResourceNotFoundException",
        message = "There is no such model.",
    },
    unsupported_route = {
        status = 404, type = "invalid_request_error",
        aws = "UnknownOperationException",
        message = "The gateway has no such route.",
    },
    method_not_allowed = {
        status = 405, type = "invalid_request_error",
        aws = "ValidationException",
        message = "The method is not allowed here.",
    },
    conflict = {
        status = 409, type = "invalid_request_error",
        aws = "ConflictException", retry = false,
        message = "The request conflicts with the state of the resource.",
    },
    request_too_large = {
        status = 413, type = "invalid_request_error",
        aws = "ValidationException",
        message = "The request is too large.",
    },
    unsupported_media_type = {
        status = 415, type = "invalid_request_error",
        aws = "ValidationException",
        message = "The content type of the request must be application/json.",
    },
    rate_limit_exceeded = {
        status = 429, type = "rate_limit_error",
        aws = "ThrottlingException", wait = 2,
        message = "There were too many requests.",
    },
    insufficient_quota = {
        status = 429, type = "insufficient_quota",
        aws = "ServiceQuotaExceededException", retry = false,
        message = "A quota is used up.",
    },
    internal_error = {
        status = 500, type = "api_error",
        aws = "InternalServerException",
        message = "The upstream had an internal error.",
    },
    gateway_error = {
        status = 500, type = "api_error",
        aws = "InternalServerException",
        message = "The gateway had an internal error.", own = true,
    },
    upstream_auth_failed = {
        status = 502, type = "api_error",
        aws = "InternalServerException", retry = false,
        message = "The upstream refused the credentials of the gateway.",
        own = true,
    },
    upstream_unreachable = {
        status = 502, type = "api_error",
        aws = "ServiceUnavailableException",
        message = "The upstream cannot be reached.",
    },
    upstream_error = {
        status = 502, type = "api_error",
        aws = "InternalServerException",
        message = "The upstream gave no valid answer.",
    },
    model_error = {
        status = 502, type = "api_error",
        aws = "ModelErrorException",
        message = "The model failed.",
    },
    model_stream_error = {
        status = 502, type = "api_error",
        aws = "ModelStreamErrorException",
        message = "The model failed while it answered.",
    },
    gateway_no_credentials = {
        status = 503, type = "api_error",
        aws = "ServiceUnavailableException", retry = false,
        message = "The gateway has no credentials for the upstream.",
        own = true,
    },
    service_unavailable = {
        status = 503, type = "api_error",
        aws = "ServiceUnavailableException",
        message = "The service is not available.",
    },
    overloaded = {
        status = 503, type = "api_error",
        aws = "ServiceUnavailableException",
        message = "The service is overloaded.",
    },
    model_not_ready = {
        status = 503, type = "api_error",
        aws = "ModelNotReadyException", wait = 5,
        message = "The model is not ready.",
    },
    upstream_timeout = {
        status = 504, type = "api_error",
        aws = "ModelTimeoutException",
        message = "The upstream did not answer in time.",
    },
    model_timeout = {
        status = 504, type = "api_error",
        aws = "ModelTimeoutException",
        message = "The model did not answer in time.",
    },
}


_M.codes = codes


local anthropic_types = {
    [401] = "authentication_error",
    [403] = "permission_error",
    [404] = "not_found_error",
    [413] = "request_too_large",
    [429] = "rate_limit_error",
    [503] = "overloaded_error",
    [504] = "timeout_error",
}


-- names in lower case, without "Exception" at the end: some come with it and
-- some without, and those of events begin with a small letter

local exceptions = {
    validation = "invalid_request",
    resourcenotfound = "model_not_found",
    ftuformnotfilled = "model_not_found",
    unknownoperation = "unsupported_route",
    accessdenied = "model_access_denied",

    unrecognizedclient = "upstream_auth_failed",
    invalidclienttokenid = "upstream_auth_failed",
    invalidaccesskeyid = "upstream_auth_failed",
    invalidtoken = "upstream_auth_failed",
    signaturedoesnotmatch = "upstream_auth_failed",
    invalidsignature = "upstream_auth_failed",
    incompletesignature = "upstream_auth_failed",
    expiredtoken = "upstream_auth_failed",
    missingauthenticationtoken = "upstream_auth_failed",
    requestexpired = "upstream_auth_failed",
    requesttimetooskewed = "upstream_auth_failed",
    notauthorized = "upstream_auth_failed",

    -- of OpenAI and Anthropic
    authentication_error = "upstream_auth_failed",
    invalid_api_key = "upstream_auth_failed",

    throttling = "rate_limit_exceeded",
    throttled = "rate_limit_exceeded",
    toomanyrequests = "rate_limit_exceeded",
    requestlimitexceeded = "rate_limit_exceeded",
    servicequotaexceeded = "insufficient_quota",
    limitexceeded = "insufficient_quota",

    modelnotready = "model_not_ready",
    modeltimeout = "model_timeout",
    modelerror = "model_error",
    modelstreamerror = "model_stream_error",

    internalserver = "internal_error",
    internalfailure = "internal_error",
    internalerror = "internal_error",
    serviceunavailable = "service_unavailable",
    conflict = "conflict",
    requestentitytoolarge = "request_too_large",
}


local statuses = {
    [401] = "upstream_auth_failed",
    [402] = "insufficient_quota",
    [403] = "model_access_denied",
    [404] = "model_not_found",
    [405] = "method_not_allowed",
    [407] = "upstream_auth_failed",
    [408] = "model_timeout",
    [409] = "conflict",
    [413] = "request_too_large",
    [415] = "unsupported_media_type",
    [424] = "model_error",
    [429] = "rate_limit_exceeded",
    [500] = "internal_error",
    [503] = "service_unavailable",
    [504] = "upstream_timeout",
    [529] = "overloaded",
}


-- texts that tell of an input which does not fit; each in lower case

local too_long = {
    "too long", "context length", "context window", "maximum context",
    "too many input tokens", "too many tokens", "maximum number of tokens",
    "input length", "exceed context limit",
}


local MAX_MESSAGE = 2048
local REPLACEMENT = "\239\191\189"


local function known(code)
    local entry = codes[code]

    if entry == nil then
        error("unknown error code: " .. tostring(code), 3)
    end

    return entry
end


-- length of the valid UTF-8 sequence at i, or nil

local function sequence(s, i)
    local a, b, c, d = byte(s, i, i + 3)

    if a < 0xc2 or a > 0xf4 or b == nil or b < 0x80 or b > 0xbf then
        return nil
    end

    if a < 0xe0 then
        return 2
    end

    if c == nil or c < 0x80 or c > 0xbf then
        return nil
    end

    if a < 0xf0 then
        if (a == 0xe0 and b < 0xa0) or (a == 0xed and b > 0x9f) then
            return nil
        end

        return 3
    end

    if d == nil or d < 0x80 or d > 0xbf
       or (a == 0xf0 and b < 0x90) or (a == 0xf4 and b > 0x8f)
    then
        return nil
    end

    return 4
end


local function clean_run(run)
    local out, n, i = {}, 0, 1

    while i <= #run do
        local length = sequence(run, i)

        n = n + 1
        out[n] = length and sub(run, i, i + length - 1) or REPLACEMENT
        i = i + (length or 1)
    end

    return concat(out)
end


-- a JSON string; bytes that are no UTF-8 are replaced

local function quote(s)
    if find(s, "[\128-\255]") then
        s = gsub(s, "[\128-\255]+", clean_run)
    end

    s = gsub(encode(s), "\\/", "/")

    return s
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

local function text(entry, message)
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

    return object(dialect, code, entry, text(entry, message), request_id)
end


-- One event of a stream of server-sent events, which is the last.

function _M.event(dialect, code, message, request_id)
    local entry = known(code)
    local data = object(dialect, code, entry, text(entry, message),
                        request_id)

    if dialect == "anthropic" then
        return "event: error\ndata: " .. data .. "\n\n"
    end

    return "data: " .. data .. "\n\n"
end


function _M.status(code)
    return known(code).status
end


-- "ValidationException:http://…", "com.amazon…#ThrottlingException" and
-- "throttlingException" alike

local function exception_name(errortype)
    local name = match(errortype, "^%s*([^:]*)")

    name = lower(match(name, "([^#]*)$"))
    name = match(name, "^(.-)%s*$")

    return match(name, "^(.+)exception$") or name
end


function _M.from_status(status)
    status = tonumber(status) or 0

    return statuses[status]
           or (status >= 400 and status < 500 and "invalid_request")
           or "upstream_error"
end


local function exception(errortype)
    return type(errortype) == "string" and errortype ~= ""
           and exceptions[exception_name(errortype)] or nil
end


function _M.is_exception(errortype)
    return exception(errortype) ~= nil
end


function _M.from_aws(status, errortype)
    return exception(errortype) or _M.from_status(status)
end


-- An invalid request whose text says that the input is too long gets the code
-- by which clients shorten it.  The status of both is the same.

function _M.refine(code, message)
    if code ~= "invalid_request" or type(message) ~= "string" then
        return code
    end

    message = lower(sub(message, 1, MAX_MESSAGE))

    for i = 1, #too_long do
        if find(message, too_long[i], 1, true) then
            return "context_length_exceeded"
        end
    end

    return code
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
