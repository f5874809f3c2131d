-- Copyright (C) ngx_aws_sigv4_module authors
--
-- SPDX-License-Identifier: BSD-2-Clause

-- What of a body is another one for a target: the name of the model, and
-- members that the target does not know or knows by other names.  Everything
-- else goes on byte for byte.
--
--     list = edits.of(s, target)
--         for body.edit(); nil where the target takes the body as it is.
--         s.unasked: a stream will have its usage, and the client has not
--         asked for it
--     edits.members
--         the names of members to look for in each body


local cjson = require "cjson.safe"
local body = require "resty.aws_sigv4.llm.body"
local quoting = require "resty.aws_sigv4.llm.quoting"
local targets = require "resty.aws_sigv4.llm.target"


local ngx = ngx
local concat = table.concat
local decode = cjson.decode
local find = string.find
local gsub = string.gsub
local insert = body.insert
local ipairs = ipairs
local pairs = pairs
local quote = quoting.quote
local remove = body.remove
local sub = string.sub


local _M = { version = "0.1.0" }


_M.members = { "model", "stream", "stream_options", "anthropic_version",
               "anthropic_beta" }


local ASKED = '"include_usage":true'

-- whose streams have no usage unless they are asked for it
local SILENT = { chat = true, completions = true }

local VERSION = '"anthropic_version":"bedrock-2023-05-31"'


-- The flags of the header that the target may get: Bedrock refuses those that
-- it does not know.

local function betas(target)
    local list = targets.betas(target, ngx.var.http_anthropic_beta or "")

    for i = 1, #list do
        list[i] = quote(list[i])
    end

    return #list > 0 and '"anthropic_beta":[' .. concat(list, ",") .. "]"
end


-- the model is in the path, and what was in headers takes its place

local function envelope(list, members, target)
    local model = members.model
    local text = not members.anthropic_version and VERSION or nil
    local beta = not members.anthropic_beta and betas(target)

    if beta then
        text = text and text .. "," .. beta or beta
    end

    if text then
        list[1] = { model.key_from, model.to, text }

    else
        list[1] = remove(members, "model")
    end

    list[2] = remove(members, "stream")
end


local function drop(list, members, names)
    local dropped = {}

    for _, name in ipairs(names) do
        if members[name] and not dropped[name] then
            dropped[name] = true
            list[#list + 1] = remove(members, name)
        end
    end

    return dropped
end


local function rename(list, members, names, dropped)
    for old, new in pairs(names) do
        local member = members[old]

        if member and not dropped[old] then

            -- a name must not stand there twice
            if members[new] and not dropped[new] then
                list[#list + 1] = remove(members, old)

            else
                list[#list + 1] = { member.key_from, member.key_to,
                                    quote(new) }
            end
        end
    end
end


-- "stream_options" with the usage asked for; nil where it is already, or is
-- not what it should be.  Where that is said twice, in escapes, or in more than
-- a slice, nothing else of it is kept.

local function options(member)
    local alone = "{" .. ASKED .. "}"

    if member.type == "null" then
        return alone
    end

    if member.type ~= "object" then
        return nil
    end

    local text = body.slice(member.from, member.to)
    local value = text and decode(text)

    if not value then
        return alone
    end

    if value.include_usage == true then
        return nil
    end

    if value.include_usage == nil then
        return "{" .. ASKED .. (find(text, "^{%s*}") and "" or ",")
               .. sub(text, 2)
    end

    local asked, count = gsub(text, '"include_usage"%s*:%s*%l+', ASKED)
    value = count == 1 and decode(asked)

    return value and value.include_usage == true and asked or alone
end


-- A caller with a limit of tokens must not choose whether they are counted.

local function ask_usage(s, list, members, target)
    if not s.metered or not s.stream or not SILENT[s.operation]
       or target.no_options
    then
        return
    end

    local member = members.stream_options

    if not member then
        list[#list + 1] = insert(members, "stream_options",
                                 "{" .. ASKED .. "}")
        s.unasked = true
        return
    end

    local text = options(member)

    if text then
        list[#list + 1] = { member.from, member.to, text }
        s.unasked = true
    end
end


function _M.of(s, target)
    local members = s.members

    s.unasked = false

    -- a body of Bedrock's own names no model
    if not members then
        return nil
    end

    local list = {}

    if target.invoke then
        envelope(list, members, target)

    elseif s.alias ~= target.model then
        local model = members.model

        list[1] = { model.from, model.to, target.model_json }
    end

    local dropped = target.drop and drop(list, members, target.drop) or {}

    if target.rename then
        rename(list, members, target.rename, dropped)
    end

    ask_usage(s, list, members, target)

    return #list > 0 and list or nil
end


return _M
