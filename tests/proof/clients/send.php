<?php
// Copyright: (c) mailops.smtp contributors
// GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Sends with the mail clients of PHP apps: reads an app's file or environment as the app reads it, and hands the same settings
// to the same client. Takes jobs as one JSON array on standard input, and prints one line of JSON for each. With do: "parse"
// it only prints what the parser finds in the files.

use Symfony\Component\Mailer\Mailer;
use Symfony\Component\Mailer\Transport;
use Symfony\Component\Mailer\Transport\Dsn;
use Symfony\Component\Mailer\Transport\Smtp\EsmtpTransport;
use Symfony\Component\Mailer\Transport\Smtp\EsmtpTransportFactory;
use Symfony\Component\Mime\Email;

ini_set('default_socket_timeout', '4');
ini_set('display_errors', 'stderr');
error_reporting(E_ALL & ~E_DEPRECATED & ~E_USER_DEPRECATED);

// What each reader makes of a file of variables.
function environment(array $job): array {
    if (isset($job['env'])) {
        return $job['env'];
    }
    if ($job['dialect'] === 'symfony') {
        require_once 'Symfony/Component/Dotenv/autoload.php';
        return (new Symfony\Component\Dotenv\Dotenv())->parse(file_get_contents($job['file']));
    }
    require_once 'Dotenv/autoload.php';
    return Dotenv\Dotenv::parse(file_get_contents($job['file']));
}

// Laravel's env(): some words are no texts.
function laravel_env(array $env, string $name, $default = null) {
    if (!array_key_exists($name, $env)) {
        return $default;
    }
    return match (strtolower($env[$name])) {
        'true', '(true)' => true,
        'false', '(false)' => false,
        'empty', '(empty)' => '',
        'null', '(null)' => null,
        default => $env[$name],
    };
}

// A file that returns nothing and sets $CONFIG, as Nextcloud includes it.
function nextcloud_file(string $path): array {
    $CONFIG = [];
    include $path;
    return $CONFIG;
}

// A file of define(), which one process can read only once.
function constants_of(string $path): array {
    [$ours, $theirs] = stream_socket_pair(STREAM_PF_UNIX, STREAM_SOCK_STREAM, 0);
    $child = pcntl_fork();
    if ($child === 0) {
        fclose($ours);
        ob_start();
        try {
            include $path;
            fwrite($theirs, json_encode(get_defined_constants(true)['user'] ?? []));
        } catch (Throwable $error) {
            fwrite($theirs, json_encode(['error' => $error->getMessage()]));
        }
        ob_end_clean();
        exit(0);
    }
    fclose($theirs);
    $found = json_decode(stream_get_contents($ours), true);
    pcntl_waitpid($child, $status);
    if (isset($found['error'])) {
        throw new Exception($found['error']);
    }
    return $found;
}

function symfony_send(array $job, Transport\TransportInterface $transport): void {
    $email = (new Email())->from($job['from'])->to($job['to'])->subject($job['subject'])->text('test');
    (new Mailer($transport))->send($email);
}

// Laravel hands its array as the options of a DSN.
function laravel_transport(array $config): EsmtpTransport {
    $scheme = $config['scheme'] ?? ((int) $config['port'] === 465 ? 'smtps' : 'smtp');
    $dsn = new Dsn($scheme, $config['host'], $config['username'], $config['password'], (int) $config['port'], $config);
    return (new EsmtpTransportFactory())->create($dsn);
}

function with_symfony(array $job): void {
    symfony_send($job, Transport::fromDsn(environment($job)['MAILER_DSN']));
}

function with_laravel(array $job): void {
    $env = environment($job);
    if (laravel_env($env, 'MAIL_MAILER', 'log') !== 'smtp') {
        throw new Exception('the mailer is not smtp');
    }
    symfony_send($job, laravel_transport([
        'scheme' => laravel_env($env, 'MAIL_SCHEME'), 'host' => laravel_env($env, 'MAIL_HOST', '127.0.0.1'),
        'port' => laravel_env($env, 'MAIL_PORT', 2525), 'username' => laravel_env($env, 'MAIL_USERNAME'),
        'password' => laravel_env($env, 'MAIL_PASSWORD'), 'local_domain' => laravel_env($env, 'MAIL_EHLO_DOMAIN', 'localhost'),
    ]));
}

// Its own config/mail.php: a scheme is never set, and an encryption requires TLS.
function with_bookstack(array $job): void {
    $env = environment($job);
    if (laravel_env($env, 'MAIL_DRIVER', 'smtp') !== 'smtp') {
        throw new Exception('the driver is not smtp');
    }
    symfony_send($job, laravel_transport([
        'host' => laravel_env($env, 'MAIL_HOST'), 'port' => laravel_env($env, 'MAIL_PORT', 587),
        'username' => laravel_env($env, 'MAIL_USERNAME'), 'password' => laravel_env($env, 'MAIL_PASSWORD'),
        'verify_peer' => laravel_env($env, 'MAIL_VERIFY_SSL', true),
        'require_tls' => in_array(laravel_env($env, 'MAIL_ENCRYPTION'), ['tls', 'ssl'], true),
    ]));
}

function with_nextcloud(array $job): void {
    if ($job['form'] === 'file') {
        $config = nextcloud_file($job['file']);
    } else {
        // The image's smtp.config.php.
        $env = environment($job);
        $config = ['mail_smtpmode' => 'smtp', 'mail_smtphost' => $env['SMTP_HOST'],
            'mail_smtpport' => $env['SMTP_PORT'] ?? (($env['SMTP_SECURE'] ?? '') !== '' ? 465 : 25),
            'mail_smtpsecure' => $env['SMTP_SECURE'] ?? '', 'mail_smtpauth' => isset($env['SMTP_NAME']) && isset($env['SMTP_PASSWORD']),
            'mail_smtpname' => $env['SMTP_NAME'] ?? '', 'mail_smtppassword' => $env['SMTP_PASSWORD'] ?? ''];
    }
    $secure = ($config['mail_smtpsecure'] ?? null) === 'ssl' ? true : null;
    $transport = new EsmtpTransport($config['mail_smtphost'], (int) $config['mail_smtpport'], $secure);
    $stream = $transport->getStream();
    $stream->setTimeout((float) ($config['mail_smtptimeout'] ?? 10));
    if ($config['mail_smtpauth'] ?? false) {
        $transport->setUsername($config['mail_smtpname'])->setPassword($config['mail_smtppassword']);
    }
    $options = $config['mail_smtpstreamoptions'] ?? [];
    if ($options !== []) {
        $stream->setStreamOptions(array_merge_recursive($stream->getStreamOptions(), $options));
    }
    symfony_send($job, $transport);
}

function with_wordpress(array $job): void {
    $set = constants_of($job['file']);
    if (($set['WPMS_ON'] ?? false) !== true || $set['WPMS_MAILER'] !== 'smtp') {
        throw new Exception('the constants are not on');
    }
    $mail = new PHPMailer\PHPMailer\PHPMailer(true);
    $mail->isSMTP();
    [$mail->Host, $mail->Port, $mail->Timeout] = [$set['WPMS_SMTP_HOST'], $set['WPMS_SMTP_PORT'], 4];
    [$mail->SMTPSecure, $mail->SMTPAutoTLS] = [$set['WPMS_SSL'], (bool) $set['WPMS_SMTP_AUTOTLS']];
    $mail->SMTPAuth = (bool) $set['WPMS_SMTP_AUTH'];
    if ($mail->SMTPAuth) {
        [$mail->Username, $mail->Password] = [$set['WPMS_SMTP_USER'], $set['WPMS_SMTP_PASS']];
    }
    $mail->setFrom($set['WPMS_MAIL_FROM']);
    $mail->addAddress($job['to']);
    [$mail->Subject, $mail->Body] = [$job['subject'], 'test'];
    $mail->send();
}

function parse(array $job): array {
    return match ($job['dialect']) {
        'array' => nextcloud_file($job['file']),
        'define' => constants_of($job['file']),
        default => environment($job),
    };
}

if (($argv[1] ?? '') === '--version-of') {
    // PHPMailer says it; Symfony's packages do not.
    require_once 'libphp-phpmailer/autoload.php';
    echo PHPMailer\PHPMailer\PHPMailer::VERSION, "\n";
    exit(0);
}
foreach (json_decode(stream_get_contents(STDIN), true) as $job) {
    $answer = ['id' => $job['id'], 'ok' => true];
    try {
        if ($job['do'] === 'parse') {
            $answer['values'] = (object) parse($job);
        } else {
            require_once $job['app'] === 'wordpress' ? 'libphp-phpmailer/autoload.php' : 'Symfony/Component/Mailer/autoload.php';
            if ($job['app'] !== 'wordpress') {
                require_once 'Symfony/Component/Mime/autoload.php';
            }
            ('with_' . $job['app'])($job);
        }
    } catch (Throwable $error) {
        $answer = ['id' => $job['id'], 'ok' => false, 'error' => get_class($error) . ': ' . $error->getMessage()];
    }
    echo json_encode($answer, JSON_INVALID_UTF8_SUBSTITUTE | JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE), "\n";
}
