-- Copyright (C) ngx_aws_sigv4_module authors
--
-- SPDX-License-Identifier: BSD-2-Clause

-- Reads what upstreams say in forms of their own: bodies of errors, and
-- frames of the streams of InvokeModel.
--
--     same, code, message = foreign.read(dialect, body, code, status, name)
--         same: the body is what a client of the dialect expects, and tells
--         nothing of the gateway's keys and account.  The code
--         and the name of the exception are those of the head, which the body
--         may add to
--     kind, event, code, message = foreign.frame(frame)
--         "event" and { type, document, text }, or "error", a code and a
--         message, or "other"


local cjson = require "cjson.safe"
local causes = require "resty.aws_sigv4.llm.causes"
local errors = require "resty.aws_sigv4.llm.errors"
local usage = require "resty.aws_sigv4.llm.usage"


local decode = cjson.decode
local find = string.find
local gsub = string.gsub
local match = string.match
local type = type


local _M = { version = "0.1.0" }


local function text(value)
    return type(value) == "string" and value ~= "" and value or nil
end


local function object(value)
    return type(value) == "table" and value or {}
end


-- by dialect: whether a decoded body is an error as its clients know it

local shapes = {
    openai = function (value)
        return value.type ~= "error"
               and type(object(value.error).message) == "string"
    end,

    anthropic = function (value)
        local err = object(value.error)

        return value.type == "error" and type(err.type) == "string"
               and type(err.message) == "string"
    end,

    bedrock = function (value)
        return type(value.message or value.Message) == "string"
               or type(value.__type) == "string"
    end,
}


-- {"error": {"message"}} of OpenAI and Anthropic, {"error": ""} of small
-- servers, {"message"} and {"Message"} of AWS, {"detail"} of FastAPI

local function message_of(value)
    local err = value.error
    local detail = value.detail

    return text(object(err).message) or text(err) or text(value.message)
           or text(value.Message) or text(detail)
           or text(object(detail).error) or text(object(detail).message)
           or text(object(object(detail)[1]).msg)
end


-- Names of exceptions: those of AWS, and those of others that tell of a key
-- which is not good, whatever the status is.

local function name_of(value)
    local err = object(value.error)
    local code = text(value.code) or text(err.code)

    return text(value.__type) or causes.is_known(code) and code
           or text(err.type)
end


-- a text that people can read, and no page

local function plain(body)
    if find(body, "^%s*[<{%[]") or find(body, "[%z\1-\8\11\12\14-\31\127]") then
        return nil
    end

    -- from the end: blanks that something follows cost nothing then
    return match(body, "^(.*%S)")
end


function _M.read(dialect, body, code, status, name)
    local value = decode(body)

    if type(value) ~= "table" then
        local message = plain(body)

        return false, causes.refine(code, message), message
    end

    -- Gemini's errors are an array
    local whole = value

    if type(value[1]) == "table" then
        value = value[1]
    end

    local message = message_of(value)

    if not name and value == whole then
        code = causes.of(status, name_of(value))
    end

    code = causes.refine(code, message)

    if code ~= "upstream_auth_failed" and value == whole
       and shapes[dialect](value) and errors.is_clean(body)
    then
        return true, code, message
    end

    return false, code, message
end


-- An event of Anthropic's API.  Its type becomes the name of the event, and
-- line breaks, which JSON allows between its tokens, another line of data.

local function event(document)
    local value = document and decode(document)
    local kind = type(value) == "table" and value.type

    if type(kind) ~= "string" or not find(kind, "^[%w_.-]+$") then
        return nil
    end

    local data = document

    if find(data, "[\r\n]") then
        data = gsub(gsub(data, "\r\n?", "\n"), "\n", "\ndata: ")
    end

    return {
        type = kind,
        document = document,
        text = "event: " .. kind .. "\ndata: " .. data .. "\n\n",
    }
end


function _M.frame(frame)
    local headers = frame.headers
    local kind = headers[":message-type"]

    if kind == "event" then
        if headers[":event-type"] ~= "chunk" then
            return "other"
        end

        local value = event(usage.chunk(frame.payload))

        if value then
            return "event", value
        end

        return "error", nil, "upstream_error"
    end

    if kind == "exception" then
        local value = object(decode(frame.payload))
        local message = text(value.message) or text(value.Message)
        local code = causes.of(0, headers[":exception-type"])

        return "error", nil, causes.refine(code, message), message
    end

    return "error", nil, causes.of(0, headers[":error-code"]),
           text(headers[":error-message"])
end


return _M
