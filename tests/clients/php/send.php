<?php
// Copyright: (c) mailops.smtp contributors
// GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// Sends one message with one of several PHP libraries, and prints the error as apps log it.
// send.php LIBRARY HOST PORT MODE CA_FILE SECONDS USER PASSWORD
[, $library, $host, $port, $mode, $caFile, $seconds, $user, $password] = $argv;
ini_set('default_socket_timeout', $seconds);
ini_set('display_errors', 'stderr');

function with_symfony() {
    global $host, $port, $mode, $seconds, $user, $password;
    require_once 'Symfony/Component/Mailer/autoload.php';
    require_once 'Symfony/Component/Mime/autoload.php';
    $transport = new Symfony\Component\Mailer\Transport\Smtp\EsmtpTransport($host, (int) $port, $mode === 'implicit');
    $transport->getStream()->setTimeout((float) $seconds);
    if ($user !== '') {
        $transport->setUsername($user)->setPassword($password);
    }
    $email = (new Symfony\Component\Mime\Email())->from('a@example.com')->to('b@example.org')->subject('test')->text('test');
    (new Symfony\Component\Mailer\Mailer($transport))->send($email);
}

function with_swift() {
    global $host, $port, $mode, $seconds, $user, $password;
    require_once 'Egulias/EmailValidator/autoload.php';
    require_once 'Swift/swift_required.php';
    $transport = new Swift_SmtpTransport($host, (int) $port, ['implicit' => 'ssl', 'starttls' => 'tls', 'cleartext' => null][$mode]);
    $transport->setTimeout((int) $seconds);
    if ($user !== '') {
        $transport->setUsername($user)->setPassword($password);
    }
    $message = (new Swift_Message('test'))->setFrom('a@example.com')->setTo('b@example.org')->setBody('test');
    (new Swift_Mailer($transport))->send($message);
}

function with_pear() {
    global $host, $port, $mode, $seconds, $user, $password;
    require_once 'Mail.php';
    $mailer = Mail::factory('smtp', [
        'host' => ($mode === 'implicit' ? 'ssl://' : '') . $host, 'port' => (int) $port, 'timeout' => (float) $seconds,
        'auth' => $user !== '', 'username' => $user, 'password' => $password, 'starttls' => $mode === 'starttls',
    ]);
    $result = $mailer->send('b@example.org', ['From' => 'a@example.com', 'To' => 'b@example.org', 'Subject' => 'test'], 'test');
    if ($result instanceof PEAR_Error) {
        throw new Exception($result->getMessage());
    }
}

// What Nextcloud's mail app sends with
function with_horde() {
    global $host, $port, $mode, $seconds, $user, $password, $caFile;
    spl_autoload_register(fn($class) => @include strtr($class, '_\\', '//') . '.php');
    $smtp = new Horde_Smtp([
        'host' => $host, 'port' => (int) $port, 'timeout' => (int) $seconds, 'localhost' => 'client.example.com',
        'secure' => ['implicit' => 'ssl', 'starttls' => 'tls', 'cleartext' => false][$mode],
        'username' => $user !== '' ? $user : null, 'password' => $user !== '' ? $password : null,
        'context' => ['ssl' => ['cafile' => $caFile, 'verify_peer' => true, 'verify_peer_name' => true]],
    ]);
    $smtp->send('a@example.com', 'b@example.org', "Subject: test\r\n\r\ntest\r\n");
}

function with_phpmailer() {
    global $host, $port, $mode, $seconds, $user, $password;
    require_once 'libphp-phpmailer/autoload.php';
    $mail = new PHPMailer\PHPMailer\PHPMailer(true);
    $mail->isSMTP();
    $mail->SMTPDebug = 2;
    $mail->Debugoutput = function ($text, $level) { fwrite(STDERR, date('Y-m-d H:i:s') . ' ' . trim($text) . "\n"); };
    [$mail->Host, $mail->Port, $mail->Timeout] = [$host, (int) $port, (int) $seconds];
    $mail->SMTPSecure = ['implicit' => 'ssl', 'starttls' => 'tls', 'cleartext' => ''][$mode];
    $mail->SMTPAutoTLS = false;
    [$mail->SMTPAuth, $mail->Username, $mail->Password] = [$user !== '', $user, $password];
    $mail->setFrom('a@example.com');
    $mail->addAddress('b@example.org');
    [$mail->Subject, $mail->Body] = ['test', 'test'];
    $mail->send();
}

try {
    ('with_' . $library)();
} catch (Throwable $error) {
    // The shape of Monolog's line formatter, as in storage/logs/laravel.log
    $class = get_class($error);
    $text = sprintf('[%s] production.ERROR: %s {"exception":"[object] (%s(code: %s): %s at %s:%d)', date('Y-m-d H:i:s'), $error->getMessage(), $class,
        $error->getCode(), $error->getMessage(), $error->getFile(), $error->getLine());
    fwrite(STDERR, $text . "\n[stacktrace]\n" . $error->getTraceAsString() . "\n\"}\n");
}
