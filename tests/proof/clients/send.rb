# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Sends with Ruby's mail library: reads an app's file or environment as the app reads it, and hands the same settings to the
# library. Takes jobs as one JSON array on standard input, and prints one line of JSON for each. With do: "parse" it only
# prints what the parser finds in the files. MAIL_LIB: the folder of another version of the library.
require "json"
$LOAD_PATH.unshift(ENV["MAIL_LIB"]) if ENV["MAIL_LIB"]

def environment(job)
  return job["env"] if job["env"]
  require "dotenv"
  Dotenv::Parser.call(File.read(job["file"]))
end

# A stand-in for the object in which Omnibus evaluates gitlab.rb: code that runs where gitlab_rails is a mapping. Its image evaluates the
# variable GITLAB_OMNIBUS_CONFIG first, at the same place, and gitlab.rb where that is there.
class Omnibus
  def self.read(path, variable = nil)
    omnibus = new
    omnibus.instance_eval(variable.to_s) if variable
    omnibus.instance_eval(File.read(path), path) if path && File.exist?(path)
    omnibus.gitlab_rails
  end

  # What Docker hands to the container of a compose file: two dollar signs are one.
  def self.of_compose(path)
    require "yaml"
    service = YAML.safe_load(File.read(path, encoding: "utf-8"))["services"].values.first
    read(nil, service["environment"]["GITLAB_OMNIBUS_CONFIG"].gsub("$$", "$"))
  end

  def gitlab_rails
    @gitlab_rails ||= {}
  end
end

# An initializer sets what Action Mailer then takes.
module ActionMailer
  class Base
    class << self
      attr_accessor :smtp_settings
    end
  end
end

def initializer(path)
  ActionMailer::Base.smtp_settings = {}
  load(path)
  ActionMailer::Base.smtp_settings
end

# The template of Omnibus writes these into Rails' own initializer: what is nil is left out, and false is not.
def gitlab(set)
  return {} unless set["smtp_enable"]
  found = {address: set["smtp_address"], port: set["smtp_port"], user_name: set["smtp_user_name"], password: set["smtp_password"],
           domain: set["smtp_domain"], enable_starttls_auto: set["smtp_enable_starttls_auto"], tls: set["smtp_tls"],
           openssl_verify_mode: set["smtp_openssl_verify_mode"], ca_file: set["smtp_ca_file"]}
  # Before 19.2; a newer one takes false and none for nothing.
  found[:authentication] = set["smtp_authentication"].to_s.to_sym unless set["smtp_authentication"].nil?
  found[:open_timeout] = set["smtp_open_timeout"]
  raise "both flags are true" if found[:tls] && found.fetch(:enable_starttls_auto, true) != false
  found.compact
end

def mastodon(env)
  starttls = env["SMTP_ENABLE_STARTTLS"]
  found = {address: env["SMTP_SERVER"], port: (env["SMTP_PORT"] || 25).to_i, user_name: env["SMTP_LOGIN"], password: env["SMTP_PASSWORD"],
           domain: env["SMTP_DOMAIN"], ca_file: env["SMTP_CA_FILE"], openssl_verify_mode: env["SMTP_OPENSSL_VERIFY_MODE"],
           tls: env["SMTP_TLS"] == "true" ? true : nil, read_timeout: 20}
  found[:authentication] = env["SMTP_AUTH_METHOD"] == "none" ? nil : (env["SMTP_AUTH_METHOD"] || "plain").to_sym
  found[:enable_starttls] = starttls == "always" unless starttls == "auto"
  found[:enable_starttls_auto] = starttls != "never" && starttls != "always"
  found.compact
end

def discourse(env)
  flag = ->(value, default) { value.nil? ? default : value.to_s == "true" }
  found = {address: env["DISCOURSE_SMTP_ADDRESS"], port: (env["DISCOURSE_SMTP_PORT"] || 25).to_i, domain: env["DISCOURSE_SMTP_DOMAIN"],
           user_name: env["DISCOURSE_SMTP_USER_NAME"], password: env["DISCOURSE_SMTP_PASSWORD"],
           authentication: env["DISCOURSE_SMTP_AUTHENTICATION"] || "plain",
           enable_starttls_auto: flag.(env["DISCOURSE_SMTP_ENABLE_START_TLS"], true),
           open_timeout: (env["DISCOURSE_SMTP_OPEN_TIMEOUT"] || 5).to_f, read_timeout: (env["DISCOURSE_SMTP_READ_TIMEOUT"] || 5).to_f,
           openssl_verify_mode: env["DISCOURSE_SMTP_OPENSSL_VERIFY_MODE"]}
  found[:tls] = true if flag.(env["DISCOURSE_SMTP_FORCE_TLS"], false)
  found.delete(:authentication) unless found[:user_name]
  found.compact
end

def settings_of(job)
  case [job["app"], job["form"]]
  when ["rails", "file"] then initializer(job["file"])
  when ["gitlab", "file"] then gitlab(Omnibus.read(job["file"]))
  when ["gitlab", "environment"] then gitlab(Omnibus.of_compose(job["file"]))
  when ["mastodon", "environment"] then mastodon(environment(job))
  when ["discourse", "environment"] then discourse(environment(job))
  else
    require "yaml"
    discourse(YAML.load_file(job["file"])["env"].transform_values(&:to_s))
  end
end

def parse(job)
  case job["dialect"]
  when "gitlab" then Omnibus.read(job["file"])
  when "rails" then initializer(job["file"])
  when "psych"
    require "yaml"
    YAML.safe_load(File.read(job["file"], encoding: "utf-8"), aliases: true)
  else environment(job)
  end
end

def deliver(job)
  require "mail"
  message = Mail.new(from: job["from"], to: job["to"], subject: job["subject"], body: "test")
  settings = settings_of(job)
  # A newer net-smtp refuses whatever is no mechanism, and the one that is here only where there is a login.
  word = settings[:authentication]
  raise ArgumentError, "wrong authentication type #{word}" unless word.nil? || %w[plain login cram_md5].include?(word.to_s)
  message.delivery_method(:smtp, {open_timeout: 4, read_timeout: 4}.merge(settings).merge(read_timeout: 4))
  message.deliver!
end

if ARGV.first == "--version"
  require "mail"
  puts Mail::VERSION.version
  exit
end
JSON.parse($stdin.read).each do |job|
  answer = {id: job["id"], ok: true}
  begin
    job["do"] == "parse" ? answer[:values] = parse(job) : deliver(job)
  rescue ScriptError, StandardError => error
    answer.merge!(ok: false, error: "#{error.class}: #{error.message}")
  end
  puts JSON.generate(answer)
  $stdout.flush
end
