-- Copyright (C) ngx_aws_sigv4_module authors
--
-- SPDX-License-Identifier: BSD-2-Clause

-- What a request must be before anything is done for it, and what of its body
-- has to be known: the model, and whether a stream is asked for.
--
--     request.check_type(s)        answers 415 where it is no JSON
--     request.read(s)              reads the body, sets s.alias, s.stream
--                                  and s.members, or answers
--     request.read_members(s, names)
--                                  looks for more members


local body = require "resty.aws_sigv4.llm.body"
local edits = require "resty.aws_sigv4.llm.edits"
local errors = require "resty.aws_sigv4.llm.errors"


local ngx = ngx
local find = string.find
local lower = string.lower


local _M = { version = "0.1.0" }


-- An alias of 256 bytes, each of them written as an escape
local MAX_MODEL = 6 * 256 + 2

local CODES = {
    not_json = "invalid_json",
    too_deep = "invalid_json",
    not_object = "invalid_request",
    duplicate = "invalid_request",
}

local MESSAGES = {
    not_object = "The request body must be a JSON object.",
    duplicate = "A member of the request body stands there twice.",
    too_deep = "The request body is nested too deeply.",
}


local function is_json(value)
    return find(lower(value), "^%s*application/json%s*%f[;%z]")
           or find(lower(value), "^%s*application/[%w.%-]+%+json%s*%f[;%z]")
end


function _M.check_type(s)
    local var = ngx.var
    local encoding = var.http_content_encoding

    if encoding and encoding ~= "" and lower(encoding) ~= "identity" then
        return errors.send(s.dialect, "unsupported_media_type",
                           "A request body with a content coding is not "
                           .. "supported.")
    end

    if not is_json(var.http_content_type or "") then
        return errors.send(s.dialect, "unsupported_media_type")
    end
end


local function members(s, names)
    local found, err, code = body.members(names)

    if not found then
        code = CODES[err] or code or "gateway_error"

        if code == "gateway_error" then
            ngx.log(ngx.ERR, "llm: the request body cannot be read: ", err)
        end

        return errors.send(s.dialect, code, MESSAGES[err])
    end

    return found
end


local function model_of(s, member)
    if not member then
        return errors.send(s.dialect, "missing_model")
    end

    if member.type ~= "string" then
        return errors.send(s.dialect, "invalid_model")
    end

    if member.to - member.from > MAX_MODEL then
        return errors.send(s.dialect, "invalid_model",
                           "The name of the model is too long.")
    end

    local name = body.string(member)

    if not name or name == "" or find(name, "%c") then
        return errors.send(s.dialect, "invalid_model",
                           "The name of the model is not valid.")
    end

    return name
end


local function stream_of(s, member)
    if not member or member.type == "false" or member.type == "null" then
        return false
    end

    if member.type ~= "true" then
        return errors.send(s.dialect, "invalid_request",
                           "\"stream\" must be true or false.")
    end

    return true
end


function _M.read(s)
    ngx.req.read_body()

    s.members = members(s, edits.members)
    s.alias = model_of(s, s.members.model)
    s.stream = stream_of(s, s.members.stream)
end


function _M.read_members(s, names)
    s.members = members(s, names)
end


return _M
