# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What platforms print in the language of their user, in the English that the tables know: glibc, Windows, .NET and PHPMailer.

A sentence is found by a rare word of it, and its letters that are not ASCII may be any, as logs often lose them. It is put into
English where it stands, so that all the rest of a text stays in its place.
"""

from __future__ import annotations

import re
import typing as t

from .word_index import WORD, words_of

__all__ = ("in_english",)

# In English, and below it in other languages. glibc's are those of its own catalogues.
_SENTENCES = """
Connection refused
    Verbindungsaufbau abgelehnt | Connexion refusée | Conexión rehusada | Connessione rifiutata | Conexão recusada
    Verbinding is geweigerd | Połączenie odrzucone | Spojení odmítnuto | Bağlantı reddedildi | В соединении отказано | 拒绝连接
    接続を拒否されました
Connection timed out
    Die Wartezeit für die Verbindung ist abgelaufen | Connexion terminée par expiration du délai d'attente
    Expiró el tiempo de conexión | Connessione scaduta | Tempo esgotado para conexão | Verbinding is verlopen
    Przekroczony czas oczekiwania na połączenie | Spojení bylo příliš dlouho neaktivní | Bağlantıda zaman aşımı
    Время ожидания соединения истекло | 连接超时 | 接続がタイムアウトしました
No route to host
    Keine Route zum Zielrechner | Aucun chemin d'accès pour atteindre l'hôte cible | No existe ninguna ruta hasta el `host'
    Nessun instradamento per l'host | Não há rota para o host | Geen route naar host | Brak trasy do hosta
    K počítači neexistuje cesta | Makinaya ağ üzerinden yol yok | Нет маршрута до узла | 没有到主机的路由 | ホストへの経路がありません
Network is unreachable
    Das Netzwerk ist nicht erreichbar | Le réseau n'est pas accessible | La red es inaccesible | La rete non è raggiungibile
    A rede está fora de alcance | Netwerk is onbereikbaar | Sieć jest niedostępna | Síť není dostupná | Ağ erişilebilir durumda değil
    Сеть недоступна | 网络不可达 | ネットワークに届きません
Connection reset by peer
    Die Verbindung wurde vom Kommunikationspartner zurückgesetzt | Connexion ré-initialisée par le correspondant
    Conexión reinicializada por la máquina remota | Connessione interrotta dal corrispondente | Conexão fechada pela outra ponta
    Verbinding is weggevallen | Połączenie zerwane przez drugą stronę | Spojení zrušeno druhou stranou | Bağlantı karşıdan kesildi
    Соединение разорвано другой стороной | 连接被对方重设 | 接続が相手からリセットされました
Name or service not known
    Der Name oder der Dienst ist nicht bekannt | Name oder Dienst nicht bekannt | Nom ou service inconnu
    Nombre o servicio desconocido | Nome o servizio sconosciuto
    Nome ou serviço desconhecido | Naam of dienst is niet bekend | Ta nazwa lub usługa jest nieznana | Neznámé jméno nebo služba
    İsim ya da servis bilinmiyor | Неизвестное имя или служба | 未知的名称或服务 | 名前またはサービスが不明です
Temporary failure in name resolution
    Temporärer Fehler bei der Namensauflösung | Échec temporaire dans la résolution du nom
    Fallo temporal en la resolución del nombre | Errore temporaneo nella risoluzione del nome | Falha temporário na resolução de nome
    Tijdelijk probleem in naamsherleiding | Odwzorowanie nazwy jest chwilowo niemożliwe | Dočasná chyba při vyhodnocování jména
    İsim çözünürlüğünde geçici başarısızlık | Временный сбой в разрешении имен | 域名解析暂时失败 | 名前解決に一時的に失敗しました
Cannot assign requested address
    Die angeforderte Adresse kann nicht zugewiesen werden | Ne peut attribuer l'adresse demandée
    No se puede asignar la dirección solicitada | Impossibile assegnare l'indirizzo richiesto
    Não foi possível acessar o endereço requisitado | Kan verzochte adres niet toewijzen | Nie można przypisać żądanego adresu
    Požadovanou adresu nelze přiřadit | İstenen adres bulunamıyor | Невозможно назначить запрошенный адрес | 无法指定被请求的地址
    要求アドレスに割り当てられません
SMTP Error: Could not authenticate
    SMTP-Fehler: Authentifizierung fehlgeschlagen | Erreur SMTP : échec de l'authentification | Error SMTP: Imposible autentificar
    SMTP Error: Impossibile autenticarsi | Erro de SMTP: Não foi possível autenticar | SMTP-fout: authenticatie mislukt
    Błąd SMTP: nie udało się przeprowadzić uwierzytelnienia | Chyba SMTP: Autentizace selhala | SMTP Hatası: Oturum açılamadı
    Ошибка SMTP: не удалось пройти аутентификацию | SMTP 错误：登录失败 | SMTPエラー: 認証できませんでした
Authentication failed
    Die Authentisierung ist fehlgeschlagen | Authentisierung fehlgeschlagen | Authentifizierung fehlgeschlagen
    Die Authentifizierung ist fehlgeschlagen | L'authentification a échoué | Échec de l'authentification | Autenticación fallida
    Error de autenticación | Errore di autenticazione | Erro de autenticação | Ошибка аутентификации | 身份验证失败 | 認証に失敗しました
    Autenticazione fallita | Falha na autenticação | Authenticatie mislukt | Uwierzytelnianie nie powiodło się | Autentizace selhala
Incorrect username or password
    Benutzername oder Passwort falsch | Benutzername oder Passwort ist falsch | Benutzername oder Kennwort ist falsch
    Falscher Benutzername oder falsches Passwort | Nom d'utilisateur ou mot de passe incorrect | Usuario o contraseña incorrectos
    Nome utente o password errati | Usuário ou senha incorretos | Onjuiste gebruikersnaam of wachtwoord
    Nieprawidłowa nazwa użytkownika lub hasło | Неверное имя пользователя или пароль | 用户名或密码错误 | ユーザー名またはパスワードが正しくありません
SMTP Error: Could not connect to SMTP host
    SMTP-Fehler: Konnte keine Verbindung zum SMTP-Host herstellen | Erreur SMTP : impossible de se connecter au serveur SMTP
    Error SMTP: Imposible conectar al servidor SMTP | SMTP Error: Impossibile connettersi all'host SMTP
    Erro de SMTP: Não foi possível conectar ao servidor SMTP | SMTP-fout: kon niet verbinden met SMTP-host
    Błąd SMTP: nie udało się połączyć z serwerem (hostem) | Chyba SMTP: Nelze navázat spojení se SMTP serverem
    SMTP Hatası: SMTP sunucusuna bağlanılamadı | Ошибка SMTP: не удается подключиться к SMTP-серверу | SMTP 错误：无法连接到 SMTP 主机
    SMTPエラー: SMTPホストに接続できませんでした
SMTP Error: data not accepted
    SMTP-Fehler: Daten werden nicht akzeptiert | Erreur SMTP : données incorrectes | Error SMTP: Datos no aceptados
    SMTP Error: Dati non accettati dal server | Erro de SMTP: Dados rejeitados | SMTP-fout: data niet geaccepteerd
    Błąd SMTP: dane wiadomości nie zostały przyjęte przez serwer | Chyba SMTP: Data nebyla přijata | SMTP Hatası: Veri kabul edilmedi
    Ошибка SMTP: данные не приняты | SMTP 错误：数据不被接受 | SMTPエラー: データが受け付けられませんでした
The following From address failed
    Die folgende Absenderadresse ist nicht korrekt | L'adresse d'expéditeur suivante a échoué
    La siguiente dirección de remitente falló | I seguenti indirizzi mittenti hanno generato errore | Os seguintes remetentes falharam
    Het volgende afzenderadres is mislukt | Nieprawidłowy adres nadawcy | Následující adresa odesílatele je nesprávná
    Belirtilen adreslere gönderme başarısız | Неверный адрес отправителя | 发送地址错误 | Fromアドレスを登録する際にエラーが発生しました
SMTP Error: The following recipients failed
    SMTP-Fehler: Die folgenden Empfänger sind nicht korrekt | Erreur SMTP : les destinataires suivants ont échoué
    Error SMTP: Los siguientes destinos fallaron | SMTP Error: I seguenti indirizzi destinatari hanno generato un errore
    Erro de SMTP: Os seguintes destinatários falharam | SMTP-fout: de volgende ontvangers zijn mislukt
    Błąd SMTP: nie udało się wysłać do następujących odbiorców | Chyba SMTP: Následující adresy příjemců nejsou správně
    SMTP Hatası: Belirtilen alıcılara ulaşılamadı | Ошибка SMTP: Ошибка следующих получателей | SMTP 错误：收件人地址错误
    SMTPエラー: 次の受信者アドレスに 間違いがあります
SMTP connect() failed
    Verbindung zum SMTP-Server fehlgeschlagen | La fonction SMTP connect() a échoué | SMTP Connect() falló | SMTP Connect() fallita
    SMTP Connect() falhou | SMTP-verbinding mislukt | Nie udało się nawiązać połączenia za pomocą SMTP Connect()
    SMTP Connect() selhal | SMTP connect() fonksiyonu başarısız | Ошибка соединения с SMTP-сервером | SMTP服务器连接失败 | SMTP接続に失敗しました
No connection could be made because the target machine actively refused it
    Es konnte keine Verbindung hergestellt werden, da der Zielcomputer die Verbindung verweigerte
    Aucune connexion n'a pu être établie car l'ordinateur cible l'a expressément refusée
    No se puede establecer una conexión ya que el equipo de destino denegó expresamente dicha conexión
    Impossibile stabilire la connessione. Rifiuto persistente del computer di destinazione
    Nenhuma conexão pôde ser feita porque a máquina de destino as recusou ativamente
    Kan geen verbinding maken omdat de doelcomputer de verbinding actief heeft geweigerd
    Nie można nawiązać połączenia, ponieważ komputer docelowy aktywnie go odmawia
    Nemohlo být vytvořeno žádné připojení, protože cílový počítač je aktivně odmítl
    Hedef makine etkin olarak reddettiğinden bağlantı kurulamadı | конечный компьютер отверг запрос на подключение | 由于目标计算机积极拒绝，无法连接
    対象のコンピューターによって拒否されたため、接続できませんでした
A connection attempt failed because the connected party did not properly respond
    Ein Verbindungsversuch ist fehlgeschlagen, da die Gegenstelle nach einer bestimmten Zeitspanne nicht
    Une tentative de connexion a échoué car le parti connecté n'a pas répondu convenablement
    Se produjo un error durante el intento de conexión ya que la parte conectada no respondió
    Impossibile stabilire la connessione. Risposta non corretta della parte connessa
    Uma tentativa de conexão falhou porque o componente conectado não respondeu
    Een poging om verbinding te maken is mislukt omdat de verbonden partij niet
    Próba połączenia nie powiodła się, ponieważ połączona strona nie odpowiedziała
    от другого компьютера за требуемое время не получен нужный отклик
    由于连接方在一段时间后没有正确答复 | 接続済みの呼び出し先が一定の時間を過ぎても正しく応答しなかったため
An existing connection was forcibly closed by the remote host
    Eine vorhandene Verbindung wurde vom Remotehost geschlossen | Une connexion existante a dû être fermée par l'hôte distant
    Se ha forzado la interrupción de una conexión existente por el host remoto
    Connessione in corso interrotta forzatamente dall'host remoto
    Foi forçado o cancelamento de uma conexão existente pelo host remoto
    Een bestaande verbinding is geforceerd gesloten door de externe host
    Istniejące połączenie zostało gwałtownie zamknięte przez zdalnego hosta | хост принудительно разорвал существующее подключение
    远程主机强迫关闭了一个现有的连接 | 既存の接続はリモート ホストに強制的に切断されました
No such host is known
    Der angegebene Host ist unbekannt | Es ist kein solcher Host bekannt | Hôte inconnu | Host desconocido | Host sconosciuto
    Este host não é conhecido | Host is onbekend | Nieznany host | Этот хост неизвестен | Хост неизвестен | 不知道这样的主机 | そのようなホストは不明です
An attempt was made to access a socket in a way forbidden by its access permissions
    Der Zugriff auf einen Socket war aufgrund der Zugriffsrechte des Sockets unzulässig
    Une tentative d'accès à un socket de manière interdite | Intento de acceso a un socket no permitido por sus permisos de acceso
    Tentativo di accesso al socket con modalità non consentite dalle rispettive autorizzazioni di accesso
    Foi feita uma tentativa de acesso a um soquete de uma maneira que é proibida
    Сделана попытка доступа к сокету методом, запрещенным правами доступа | 以一种访问权限不允许的方式做了一个访问套接字的尝试
The requested address is not valid in its context
    Die angeforderte Adresse ist in diesem Kontext ungültig | L'adresse demandée n'est pas valide dans son contexte
    La dirección solicitada no es válida en este contexto | 在其上下文中，该请求的地址无效
The remote name could not be resolved
    Der Remotename konnte nicht aufgelöst werden | Le nom distant n'a pas pu être résolu | No se puede resolver el nombre remoto
    Impossibile risolvere il nome remoto | O nome remoto não pôde ser resolvido | De externe naam kan niet worden omgezet
    Nie można rozpoznać nazwy zdalnej | Невозможно разрешить удаленное имя | 未能解析此远程名称
The server response was:
    Die Serverantwort war: | La réponse du serveur était : | La respuesta del servidor fue: | La risposta del server è stata:
    A resposta do servidor foi: | De serverreactie was: | Odpowiedź serwera: | Ответ сервера: | 服务器响应为:
Mailbox unavailable
    Postfach nicht verfügbar | Boîte aux lettres non disponible | Buzón no disponible | Cassetta postale non disponibile
    Caixa de correio não disponível | 邮箱不可用
The SMTP server requires a secure connection or the client was not authenticated
    Der SMTP-Server erfordert eine sichere Verbindung, oder der Client wurde nicht authentifiziert
    Le serveur SMTP requiert une connexion sécurisée ou le client n'était pas authentifié
    El servidor SMTP requiere una conexión segura o el cliente no se autenticó
    Il server SMTP richiede una connessione protetta oppure il client non è stato autenticato
    O servidor SMTP requer uma conexão segura ou o cliente não foi autenticado | SMTP 服务器要求安全连接或客户端未通过身份验证
The remote certificate is invalid according to the validation procedure
    Das Remotezertifikat ist laut Validierungsverfahren ungültig
    Le certificat distant n'est pas valide selon la procédure de validation
    El certificado remoto no es válido según el procedimiento de validación | convalida del certificato remoto
    Il certificato remoto non è stato ritenuto valido | O certificado remoto é inválido, de acordo com o procedimento de validação
    Удаленный сертификат недействителен согласно результатам проверки | 根据验证过程，远程证书无效
A required certificate is not within its validity period
    Ein erforderliches Zertifikat befindet sich nicht im Gültigkeitszeitraum | Un certificat requis n'est pas dans sa période de validité
    Un certificado requerido no se encuentra en su período de validez | 验证时要求的证书不在有效期内
A certificate chain processed, but terminated in a root certificate which is not trusted
    endete jedoch mit einem Stammzertifikat, das beim Vertrauensanbieter nicht als vertrauenswürdig gilt
    terminée par un certificat racine qui n'est pas approuvé | finaliza en un certificado de raíz no compatible
    在不受信任提供程序信任的根证书中终止
The certificate's CN name does not match the passed value
    Der CN-Name des Zertifikats stimmt nicht mit dem übergebenen Wert überein | 证书的 CN 名称与传递的值不匹配
Server does not support secure connections
    Der Server unterstützt keine sicheren Verbindungen | Le serveur ne prend pas en charge les connexions sécurisées
    El servidor no admite conexiones seguras | Il server non supporta le connessioni sicure | 服务器不支持安全连接
The handshake failed due to an unexpected packet format
    Fehler beim Handshakevorgang aufgrund eines unerwarteten Paketformats
    L'établissement d'une liaison a échoué en raison d'un format de paquet inattendu
    Error de protocolo de enlace debido a un formato de paquete inesperado | Handshake non riuscito a causa di un formato di pacchetto imprevisto
    由于意外的数据包格式，握手失败
Authentication failed because the remote party has closed the transport stream
    Fehler bei der Authentifizierung, da die Gegenpartei den Transportstream geschlossen hat
    L'authentification a échoué, car la partie distante a fermé le flux de transport
    Error de autenticación porque la parte remota ha cerrado la secuencia de transporte | 由于远程方已关闭传输流，身份验证失败
The client and server cannot communicate, because they do not possess a common algorithm
    Client und Server können keine Daten austauschen, da sie nicht über einen gemeinsamen Algorithmus verfügen
    Le client et le serveur ne peuvent pas communiquer, car ils ne possèdent pas un algorithme commun
    El cliente y el servidor no se pueden comunicar porque no tienen un algoritmo común | 客户端和服务器无法通信，因为它们没有共同的算法
Unable to read data from the transport connection
    Von der Übertragungsverbindung können keine Daten gelesen werden | Impossible de lire les données de la connexion de transport
    No se pueden leer los datos de la conexión de transporte | 无法从传输连接中读取数据
Unable to connect to the remote server
    Die Verbindung mit dem Remoteserver kann nicht hergestellt werden | Impossible de se connecter au serveur distant
    No es posible conectar con el servidor remoto | Impossibile effettuare la connessione al server remoto | 无法连接到远程服务器
Failure sending mail
    Fehler beim Senden von Mail | Échec d'envoi du courrier | Error al enviar correo | Errore durante l'invio della posta | 发送邮件失败
The operation has timed out
    Das Timeout für den Vorgang wurde überschritten | Timeout für Vorgang überschritten | Le délai d'attente de l'opération a expiré
    Se terminó el tiempo de espera de la operación | Timeout dell'operazione | O tempo limite da operação foi atingido
    Время ожидания операции истекло | 操作超时 | 操作已超时
"""
_FOREIGN = "\u0400"  # Cyrillic, and what comes behind it: words that no index of ASCII words has


# A letter that is not ASCII: itself, what a wrong encoding makes of it, a question mark, or nothing. It is written without case and as
# what it is not, as to look through all letters takes re 5 ms a sentence.
_LOST = r"(?-i:[^\x00-&(->@-\x7f]){0,3}"


class _Sentence(t.NamedTuple):
    english: str
    pattern: re.Pattern[str]
    key: str  # its longest run of ASCII letters, or its first letters where it has none


def _sentence(english: str, text: str) -> _Sentence:
    low = text.lower()
    if max(low) >= _FOREIGN:
        return _Sentence(english, re.compile(re.escape(text), re.IGNORECASE), low[:4])
    letters = "".join(re.escape(char) if char.isascii() and char != "'" else _LOST for char in text)
    return _Sentence(english, re.compile(rf"{letters}(?![a-z])", re.IGNORECASE), max(WORD.findall(low), key=len))


def _sentences() -> list[_Sentence]:
    found, english = [], ""
    for line in _SENTENCES.strip("\n").splitlines():
        if not line.startswith(" "):
            english = line
            continue
        found += [_sentence(english, text) for text in line.strip().split(" | ")]
    return found


_ALL = _sentences()
_LATIN: dict[str, list[_Sentence]] = {}
_OTHERS: list[_Sentence] = []
for _one in _ALL:
    if max(_one.key) >= _FOREIGN:
        _OTHERS.append(_one)
    else:
        _LATIN.setdefault(_one.key, []).append(_one)


def in_english(norm: str) -> str:
    """The text on one line with the sentences that are known in another language in English."""
    low = norm.lower()
    known = [one for word in words_of(low) & _LATIN.keys() for one in _LATIN[word]]
    if not low.isascii() and max(low) >= _FOREIGN:
        known += [one for one in _OTHERS if one.key in low]
    # The longest first: one may be a part of another.
    for one in sorted(known, key=lambda one: -len(one.pattern.pattern)):
        norm = one.pattern.sub(one.english, norm)
    return norm
