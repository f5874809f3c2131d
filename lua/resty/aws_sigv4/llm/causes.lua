-- Copyright (C) ngx_aws_sigv4_module authors
--
-- SPDX-License-Identifier: BSD-2-Clause

-- Which code an error of an upstream has.
--
--     code = causes.of(status, name)
--         by the name of the exception, else by the status
--     causes.is_known(name)
--     code = causes.refine(code, message)
--         by the text


local find = string.find
local lower = string.lower
local match = string.match
local sub = string.sub
local tonumber = tonumber
local type = type


local _M = { version = "0.1.0" }


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


-- how much of a text is looked at
local MAX_MESSAGE = 2048


-- "ValidationException:http://…", "com.amazon…#ThrottlingException" and
-- "throttlingException" alike.  A body may have a long one: no pattern here
-- looks twice at a byte.

local function exception_name(errortype)
    local name = match(errortype, "^%s*([^:]*)")

    name = lower(match(name, "^.*#(.*)$") or name)
    name = match(name, "^(.*%S)") or ""

    return match(name, "^(.+)exception$") or name
end


local function from_status(status)
    status = tonumber(status) or 0

    return statuses[status]
           or (status >= 400 and status < 500 and "invalid_request")
           or "upstream_error"
end


local function exception(errortype)
    return type(errortype) == "string" and errortype ~= ""
           and exceptions[exception_name(errortype)] or nil
end


function _M.is_known(errortype)
    return exception(errortype) ~= nil
end


function _M.of(status, errortype)
    return exception(errortype) or from_status(status)
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


return _M
