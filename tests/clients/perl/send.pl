#!/usr/bin/perl
# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Sends one message with Net::SMTP, Email::Sender or Mail::Sendmail, and prints the error as programs with these do.
# send.pl LIBRARY HOST PORT MODE CA_FILE SECONDS USER PASSWORD
use strict;
use warnings;

my ($library, $host, $port, $mode, $ca_file, $seconds, $user, $password) = @ARGV;
my %tls = (SSL_ca_file => $ca_file, SSL_verify_mode => 1, SSL_hostname => $host, SSL_verifycn_name => $host, SSL_verifycn_scheme => 'smtp');

if ($library eq 'email-sender') {
    require Email::Sender::Simple;
    require Email::Sender::Transport::SMTP;
    require Email::Simple;
    my $ssl = {implicit => 'ssl', starttls => 'starttls', cleartext => 0}->{$mode};
    my %login = $user ? (sasl_username => $user, sasl_password => $password) : ();
    my $transport = Email::Sender::Transport::SMTP->new(
        {host => $host, port => $port, ssl => $ssl, ssl_options => \%tls, timeout => $seconds, %login});
    my $email = Email::Simple->create(header => [From => 'a@example.com', To => 'b@example.org', Subject => 'test'], body => "test\n");
    eval { Email::Sender::Simple->send($email, {transport => $transport}); 1 } or print STDERR "Could not send the e-mail: $@\n";
    exit 0;
}

if ($library eq 'mail-sendmail') {    # cleartext only, as the library
    require Mail::Sendmail;
    no warnings 'once';
    @Mail::Sendmail::mailcfg{qw(retries delay)} = (0, 0);
    my %login = $user ? (auth => {user => $user, password => $password, required => 1}) : ();
    my %mail = (To => 'b@example.org', From => 'a@example.com', Subject => 'test', Message => 'test', smtp => $host, port => $port, %login);
    Mail::Sendmail::sendmail(%mail) or print STDERR "Error sending mail: $Mail::Sendmail::error\n";
    exit 0;
}

require Net::SMTP;
my $smtp = Net::SMTP->new($host, Port => $port, Timeout => $seconds, Hello => 'client.example.com', SSL => $mode eq 'implicit', %tls)
    or die "Cannot connect to the SMTP server $host:$port: $@\n";
if ($mode eq 'starttls') {
    $smtp->starttls(%tls) or die "STARTTLS failed: ", $smtp->code, ' ', $smtp->message, " $@\n";
}
if ($user) {
    $smtp->auth($user, $password) or die 'SMTP authentication failed: ', $smtp->code, ' ', $smtp->message, "\n";
}
$smtp->mail('a@example.com') or die 'MAIL FROM failed: ', $smtp->code, ' ', $smtp->message, "\n";
$smtp->to('b@example.org') or die 'RCPT TO failed: ', $smtp->code, ' ', $smtp->message, "\n";
$smtp->data("Subject: test\n\ntest\n") or die 'DATA failed: ', $smtp->code, ' ', $smtp->message, "\n";
$smtp->quit;
