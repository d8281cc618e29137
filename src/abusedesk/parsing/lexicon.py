"""The words by which prose says what it complains of: data for `kinds`, in the languages that complaints come in.

One expression a line, matched against text in lower case; none may backtrack, so repeats are bounded.
"""

CATEGORIES: tuple[tuple[str, int, str], ...] = (
    ("content/csam", 6, r"""
        \bcsam\b
        child (?:sexual )?abuse (?:material|image|content|media|video|site)
        child (?:porn|sexual (?:abuse|exploitation))
        sexual abuse material
        kinderporno
        pédopornograph
        детск\w{0,4} порно
        pornografía infantil
        児童ポルノ
        儿童色情
    """),
    ("content/phishing", 5, r"""
        phish
        fake (?:bank|login|web ?site|shop)
        credential (?:theft|harvest)
        фишинг
        钓鱼
        釣魚
        フィッシング
        hameçonnage
        suplantación
        fraudulent (?:web ?)?(?:site|page|url|content|domain|login)s?
        (?:steal|harvest|captur|collect)\w{0,3} .{0,30}(?:credential|password|log-?in|card (?:data|number|detail))
        \bimitat\w{2,4} .{0,30}(?:bank|login|web ?site|page|brand)
        仿冒
        偽サイト
        なりすましサイト
        偽装サイト
        поддельн\w{2,3} (?:сайт|страниц)
        gefälschte (?:web|log|bank|seite|shop)
        faux site
        usurp
        sitio (?:falso|fraudulento)
        página fraudulenta
        피싱
        oltalama
    """),
    ("content/malware", 4, r"""
        malware
        \btrojan\b
        \bransomware
        malicious (?:file|content|code|software|url|payload)
        \bvirus(?:es)?\b
        schadsoftware
        schadprogramm
        logiciel malveillant
        вредоносн
        恶意(?:软件|代码|程序)
        マルウェア
        maliciousurl
        (?:identified|classified|flagged) as malicious
        drive-by
        exploit kit
        safe browsing
    """),
    ("content/fraud", 4, r"""
        \bfraud
        \bscam
        betrug
        estafa
        escroquerie
        мошенни
        诈骗
        詐欺
        advance[- ]fee
        \b419\s
        investment (?:fraud|scam)
        fake (?:web)?shop
        fake store
        мошенническ
    """),
    ("content/brand_infringement", 5, r"""
        trade ?mark(?!s? of)
        counterfeit
        brand (?:abuse|infring|impersonat)
        markenrecht
        контрафакт
        商标
        商標
        contrefaçon
        registered mark\b
        (?:under|using|bearing|misus\w{2,4}) (?:our|our client's|the) (?:\w{1,12} )?(?:mark|brand|logo)s?\b
        violation de (?:la )?marque
        infracción de marca
        нарушени\w (?:прав на )?товарн
        偽ブランド
        模倣品
        假冒
        markenverletzung
    """),
    ("copyright/p2p", 6, r"""
        bit ?torrent
        peer[- ]to[- ]peer
        \bp2p\b
        \bemule\b
        info ?hash
        file[- ]sharing network
        filesharing
    """),
    ("copyright/copyright", 5, r"""
        copyright
        \bdmca\b
        digital millennium
        infringing (?:file|work|material|content|url)
        urheberrecht
        droits? d'auteur
        derechos de autor
        авторск\w{0,4} прав
        著作权
        版权
        著作権
        piracy
        pirated
        anti-?piracy
        work\w{0,3} .{0,40}without (?:our |the owner's )?(?:permission|authori[sz]ation|consent)
        无断|無断で
        правообладател
        侵犯.{0,12}(?:权|權)
        titulaires? (?:de los |des )?(?:derechos|droits)
        œuvre|ouvrage
        sin autorización .{0,40}obra
        infringing (?:live )?(?:stream|content|broadcast|channel|copy|copies|video)
        unauthori[sz]ed (?:live )?(?:stream|broadcast|cop(?:y|ies)|distribution|retransmission)
        (?:broadcast|media|exclusive) rights
        illegal (?:live )?(?:stream|iptv|broadcast)
    """),
    ("connection/ddos", 5, r"""
        (?<![a-z])ddos(?![a-z])
        denial[- ]of[- ]service
        déni de service
        denegación de servicio
        negação de serviço
        dienstverweigerung
        syn[- ]?flood
        udp[- ]?flood
        \bflood(?:ing)? attack
        amplification attack
        reflect(?:ion|ive|or) attack
        отказ\w{0,2} в обслуживании
        拒绝服务
        サービス拒否
        very large-scale attack
        attack target
        \bdos (?:attack|angriff)
        attaque par déni
        attaque dos
        überlastungsangriff
        ddos-?(?:атак|攻击|攻撃)
        流量攻击
        攻撃トラフィック
        участ\w{2,6} в (?:ddos|атак)
    """),
    ("connection/login_attack", 5, r"""
        brute[- ]?forc
        fail2ban
        failed (?:ssh |ftp |smtp |imap |login |password |authentication )
        log-?in (?:attempt|attack|failure)
        attempting (?:to )?log-?in
        ssh ?auth
        authentication (?:attack|attempt)
        authentication (?:failure|failed)
        password guess
        wrong password
        logon failure
        (?:service|method|protocol)\W{1,4}(?:\w{1,12}\W{1,3}){0,2}(?:ssh|ftp|imap|pop3|sasl|rdp|telnet|mysql|bruteforcelogin|sip|asterisk)\b
        dictionary attack
        invalid user
        \bsasl login
        tried to log ?in
        anmeldeversuch
        tentatives? de connexion
        intentos? de (?:acceso|inicio)
        подбор\w{0,2} парол
        暴力破解
        ブルートフォース
        not allowed to log ?in
        auth(?:entication)? attempts?
        fuerza bruta
        força bruta
        forza bruta
        force brute
        brute force
        \battempt\w{0,3} to log ?-?(?:in|on)\b
        failed (?:\w{1,12} ){0,2}log ?-?(?:ins?|ons?)\b
        failed (?:\w{1,12} ){0,2}attempts? .{0,40}\blog ?-?(?:in|on)\b
        failed to log ?-?(?:in|on)\b
        log-?(?:in|on) failures?
        failed attempts (?:against|to) (?:ssh|sshd|ftp|imap|smtp|rdp)
        \d attempts against \w
        (?:ssh|sshd|rdp|ftp|imap|pop3|smtp|vnc|telnet|mysql|voip|vpn)[-_ /](?:bf|brute|attack|hack|login|password|angriff)
        hosts\.deny
        \bauth(?:entication)? failed
        password(?:s)? (?:attack|spray|attempt)
        credential stuffing
        inlogpoging
        логин\w{0,3} и парол
        перебор\w{0,2} парол
        попыт\w{1,3} (?:входа|авторизац|подбор)
        密码(?:猜测|尝试|爆破)
        爆破
        不正ログイン
        ログイン試行
        パスワード攻撃
        intentos? fallidos?
        échecs? (?:d'authentification|de connexion)
        fehlgeschlagene (?:\w{1,12}-?){0,2}(?:login|anmeld)
        login-?versuch
        로그인 시도
        무차별
        \bauth(?:entication)? attacks?
    """),
    ("connection/port_scan", 5, r"""
        port ?-?scan
        net ?scan(?:s|ning|ned)?\b
        \bscann(?:ing|ed)\b.{0,40}\bports?\b
        \bnmap\b
        \bmasscan\b
        \bzmap\b
        \bprob(?:e|es|ing|ed)\b.{0,40}\bports?\b
        portscan
        сканирован\w{0,3} порт
        端口扫描
        ポートスキャン
        escaneo de puertos
        network scan
        sip (?:options|invite|register|query|scan)
        \bsip\b.{0,40}\b(?:request|invitation|registration|queries)
        unsolicited (?:dns|sip|protocol|packet)
        recursion desired
        version\.bind
        \bscanner\b
        ipfw
        iptables
        \bin=\w{1,8}\s
        \bdrop\b
        \bdeny\b
        \bvarredura
        \bscansion[ei]
        \bscan(?:s|ning)? (?:of|against|our|activity|attack|probe|for|from|in)\b
        \bscann(?:ing|ed) (?:our|my|the|for|hosts|machines|resources|network|from|ip)
        \bscanning (?:activity|attempt|behaviou?r|your|attack)
        \bet scan\b
        probes? (?:of|against|to|on|from) (?:our|my)
        \bport probe
        -?probe,\s
        unauthori[sz]ed (?:connection|prob|scan)
        gescannt
        port-?scans?\b
        сканиру
        扫描
        スキャン
        escaneo
        escane(?:ó|ando|ado)
        balayage de ports?
        포트 ?스캔
        \bdeny (?:tcp|udp|icmp|inbound)
        \bblocked (?:tcp|udp|connection)
    """),
    ("connection/sql_injection", 6, r"""
        sql[- ]?injection
        union(?:\s|%20|\+)+select
        sql-inje[ck]tion
        инъекц
    """),
    ("connection/vulnerability_scan", 4, r"""
        vulnerability scan
        web (?:attack|exploit|application attack|and network attack)
        exploit attempt
        attempt\w{0,4} to exploit
        directory traversal
        wp-login
        xmlrpc\.php
        phpmyadmin
        \.env\b
        remote (?:code|file) (?:execution|inclusion)
        hack(?:ing)? attempt
        "(?:get|post|head|put|options|connect|propfind)\s
        \bhack(?:er|ed|ing)?\b
        intrusion attempt
        mod_?security
        \bbotware\b
        \bbad ?bot
        malicious attempt
        abusive (?:web )?requests?
        \battack(?:s|ed|ing|er|ers)?\b
        angriff
        attaque
        ataque
        атак
        攻击
        攻撃
        \bids alert
        \bsnort\b
        \bsuricata\b
        \bids/ips\b
        exploit(?:s|ed|ing|ation)? (?:attack|against|of our|our|the vulnerab)
        attaccando
        attacco
        attacchi
        saldır
        aanval
        공격
        해킹
        不正アクセス
        不正侵入
        взлом(?:а|ать)
        попытк\w взлом
        入侵(?:尝试|攻击)
        黑客
        break (?:in ?to|into) (?:our|my)
    """),
    ("connection/scraping", 4, r"""
        scrap(?:ing|er|ed)\b
        crawl(?:ing|er)\b
        harvest(?:ing|er)
    """),
    ("infrastructure/botnet", 4, r"""
        botnet
        command[- ]and[- ]control
        \bc2 server
        \bc&c\b
        ботнет
        僵尸网络
        ボットネット
        sinkhole
        \bmalw\b
        trojan ?family
        bot ?name
        command (?:and|&) control
        \bc2\b.{0,20}(?:server|host|panel)
        \bcnc\b
        \bc&amp;c\b
        \bbots?\b.{0,30}\b(?:infect|drone|sinkhol)
    """),
    ("connection/infected_host", 4, r"""
        \binfected (?:host|machine|computer|system|with)
        \binfections?\b
        \bworm\b
        infiziert
        заражен
        受感染
        感染
        zombie
        malware-?infektion
        infizierte\w{0,2} (?:system|rechner|host|computer)
        infektion
        infecté
        infectad
        (?:bot|malware|drone)[- ]infect
        заражён
        감염
    """),
    ("infrastructure/compromised_server", 4, r"""
        \bcompromised\b
        defaced?
        defacement
        backdoor
        web ?shell
        kompromittiert
        взлом
        被入侵
        rootkit
        intruded
    """),
    ("infrastructure/open_relay", 6, r"""
        open (?:mail )?relay
        offenes? relay
    """),
    ("infrastructure/open_proxy", 6, r"""
        open (?:http |socks )?prox(?:y|ies)
        tor exit
    """),
    ("vulnerability/open_service", 5, r"""
        open (?:dns )?resolver
        openly accessible
        publicly (?:accessible|exposed|available) (?:\w+ )?(?:server|service|database|instance|port)
        exposed (?:service|database|instance|server|port|to the internet)
        open (?:ntp|ssdp|snmp|ldap|memcached|redis|mongodb|elasticsearch|portmapper|netbios|mdns|chargen|tftp)
        public ntp server
        offene[rn]? (?:dns|dienst|resolver|server)
        amplifier
        unprotected (?:\w{1,20} )?(?:database|server|instance)
        (?:database|service|server|instance) is (?:openly |publicly |freely )?accessible
        \bopen ports?\b
        service ouvert
        открыт\w{0,3} (?:резолвер|порт|сервис)
        monlist
        \breflect(?:ors?|ing (?:hosts?|servers?))\b
    """),
    ("vulnerability/cve", 5, r"""
        \bcve-\d{4}-\d{3,7}
        \bvulnerab(?:le|ility|ilities)\b
        schwachstelle
        vulnérabilit
        vulnerabilidad
        уязвимост
        漏洞
        脆弱性
        unpatched
        outdated version
    """),
    ("vulnerability/misconfiguration", 4, r"""
        security (?:issue|flaw|weakness|problem|hole)
        misconfigur
        insecure (?:configuration|service)
        expired certificate
        default (?:password|credentials)
    """),
    ("other/unclassified", 4, r"""
        court order
        violat\w{1,4} .{0,40}\blaws?\b
        \billegal (?:content|user|information|material|activit)
        federal law
        law enforcement
        roskomnadzor
        роскомнадзор
        ministry
        police
        guardia civil
        \bcert\b
        prohibited
        запрещ
        extremis
        экстремис
        terroris
        defam
        diffam
        verleumd
        privacy (?:complaint|violation)
        right to privacy
        invasion of privacy
        harass
        doxx?ing
        stalking
        违法
        违反
        非法
        名誉
        著しく
        プライバシー
        \bregulation \(eu\) 2022/2065
        digital services act
        \bdsa\b.{0,30}(?:notice|article|art\.)
        removal order
        hereby order
        реестр\w{0,2} запрещ
        ordonnance
        tribunal
        requerimiento judicial
        gerichtsbeschluss
        anordnung
        судебн\w{2,3} (?:решен|приказ)
        прокуратур
        法院
        公安
        裁判所
        警察
    """),
    ("content/exposed_data", 4, r"""
        data (?:leak|breach)
        leaked (?:data|credential|account)
        personal data (?:exposed|published)
        datenleck
        fuite de données
        \.git/config
        directory listing
        information disclosure
    """),
    ("reputation/blocklist", 5, r"""
        (?:added to|listed (?:on|in|at|by)|listing (?:in|on)|entry in) .{0,60}(?:block|black) ?list
        \b(?:block|black) ?list(?:ed|ing)\b
        \bsbl\b
        \bxbl\b
        \bdnsbl\b
        \brbl\b
        uceprotect
        \bsorbs\b
        sperrliste
        liste noire
        lista negra
        ч[её]рн\w{0,3} спис
        黑名单
        ブラックリスト
        greylist
        blacklist (?:alert|entry|report|notice|notification)
        \bcurrently listed\b
        \b(?:is|are|was|were|been) (?:now |automatically )?listed (?:on|in|at|by|with|because|as)
        \b(?:was|were|been) (?:added|listed) (?:to|on|in) (?:the |our )?\w{2,20} (?:zone|list|database)
        aufgenommen in .{0,30}liste
        внес[её]н\w? в .{0,30}спис
        列入黑名单
    """),
    ("messaging/spam", 4, r"""
        \bspam(?!assassin|hausen|-status|-score|-level|-flag|-checker|\.|_|trap)(?:s|med|ming|mer|mers|ming)?\b
        unsolicited (?:bulk |commercial )?(?:e-?)?mail
        \bube\b
        \buce\b
        junk ?mail
        spam ?trap
        unerwünschte (?:e-?)?(?:mail|werbung)
        courrier indésirable
        pourriel
        correo (?:no deseado|basura)
        спам
        垃圾邮件
        垃圾郵件
        迷惑メール
        スパム
        email from (?:\d|[0-9a-f:]{4})
        bulk (?:e-?)?mail
        nevyžádan
        mail harvesting
        comment spamming
        email spamming
        unwanted e-?mail
        trap address
        spam-?mails?\b
        \bharvester\b.{0,80}\bspam
        \bspam\b.{0,80}\bharvester
        unsolicited (?:\w{1,12} ){0,3}(?:message|e-?mail|mail|advert)
        unsubscribe(?:d)? .{0,60}(?:still|again|keep|continue)
        non sollicité
        nicht (?:angefordert|bestellt)\w{0,2} (?:werbe|e-?mail|mail|newsletter)
        no solicitad
        не запрашивал
        нежелательн\w{2,3} (?:почт|рассыл|сообщен)
        рассылк
        垃圾信息
        广告邮件
        未承諾広告
        スパムメール
        spammail
        spambericht
        스팸
    """),
    ("messaging/spoofing", 5, r"""
        spoof(?:ed|ing) (?:e-?mail|sender|mail)
        forged (?:sender|header|from)
        impersonat
    """),
    ("infrastructure/compute_abuse", 5, r"""
        crypto ?-?(?:mining|miner|jacking)
        coin ?miner
    """),
)  # fmt: skip
"""Category, weight, and the words that speak of it."""

COMPLAINT = r"""
    \babuse\b
    \bcomplain
    \breport(?:ing)? (?:of|about|an?)\b
    your (?:network|server|customer|ip|host|system|client|machine|user|infrastructure|address space)
    (?:originat|com)(?:ing|es|ed)? from
    take ?down
    taken down
    \bremove\b
    disable access
    shut ?down
    suspend
    please (?:block|investigate|take|stop|act|secure|remove|check|fix|block|look)
    \bincident\b
    \b(?:we|our \w{1,20}) (?:have |has |was )?(?:detect|observ|notic|record|receiv|register)
    \bwir (?:haben )?.{0,60}(?:entdeckt|festgestellt|registriert|erhalten|bemerkt|beobachtet)
    \bnous (?:avons )?(?:détect|constat|observ|reçu|recev|enregistr)
    \bhemos (?:detect|observ|recib|registr|notad)
    entfern
    fordern sie
    löschen
    supprim
    retirer
    eliminar
    retirar
    rimuov
    удал
    删除
    移除
    下架
    削除
    medidas
    tomen
    rogamos
    merci d.intervenir
    prière de
    maßnahmen
    gegenmaßnahmen
    примите меры
    просим
    приняти\w мер
    请处理
    请调查
    対応
    検知
    angriff
    attaque
    ataque
    атак
    攻击
    攻撃
    (?<![a-z])ddos(?![a-z])
    \bdos attack
    \bflood\b
    \bscan(?:s|ned|ning)?\b
    \boffending\b
    (?:been|was|were)\W{1,4}(?:identified|observed|seen|detected)
    \bsuspicious\b
    \bunsolicited\b
    \bunwanted\b
    \billegal\b
    \bunlawful
    \binfring
    \bviolat
    missbrauch
    beschwerde
    ihre[mrs]? (?:netz|server|kunde|ip)
    plainte
    votre (?:réseau|serveur|client)
    queja
    su (?:red|servidor|cliente)
    жалоб
    ваш\w{0,4} (?:сет|сервер|клиент)
    投诉
    滥用
    举报
    您的(?:网络|服务器|客户)
    苦情
    通報
    貴社
    vaší ip
    uw netwerk
    \bnotice of\b
    \bnotification of\b
    malicious
    attack
    unauthori[sz]ed(?! transaction)
    \b(?:tries|trying|keeps?|kept|continues?) (?:to |on )?(?:\w{1,12}ing|log|hack|attack|break|access|scan|send|connect)
    \b(?:has|have|was|were) (?:just |been ){0,2}(?:banned|blocked|locked out|blacklisted|blocklisted)
    \bwill (?:get|be) (?:<\w>)?(?:ban|block)
    \bbanned\b
    hosts\.deny
    make it stop
    stop (?:this|it|the|them)\b
    misbruik
    kunt u
    verzoeken
    vanaf (?:uw|het)
    segnalazion
    vi preghiamo
    vostro (?:server|rete|cliente)
    attaccando
    attacco
    zgłosz
    nadużyci
    proszę o
    prosimy
    wysyłan
    providência
    providencia
    sua rede
    seu servidor
    seu cliente
    solicitamos
    recebendo
    receber spam
    maliciosa
    공격
    신고
    조치
    귀사
    saldır
    şikayet
    sikayet
    lütfen
    lutfen
    onlem
    önlem
    unterbinden
    abstellen
    unterlassen
    bitte (?:prüfen|stoppen|sperren|kümmern|veranlassen)
    faire cesser
    merci de
    veuillez
    signalement
    rogar
    ruego
    les rogamos
    por favor
    denuncia
    прошу
    просьба
    остановит
    прекратит
    разберитесь
    обращаемся
    请尽快
    请(?:立即|协助|停止|关闭|检查)
    处理
    お願い
    停止
    対処
    ご確認
    ご対応
    \bcease\b
    \bdesist\b
    \btake (?:appropriate |the necessary |immediate |necessary )?(?:action|measures|steps)
    \bhosted (?:on|by|in|at|with) your?\b
    \bon your (?:network|server|platform|service|system|ip)
    \b(?:originat|originated|originates) (?:from|in|at)
    nous vous demandons
    que vous hébergez
    sans autorisation
    illicite
    usurp
    à fermer
    de (?:le |la )?fermer
    sin autorización
    retirada
    ilegal
    незаконно
    правообладател
    нарушен
    侵犯
    未经授权
    無断
    削除
    ohne (?:unsere )?(?:erlaubnis|genehmigung|zustimmung)
    vom netz
    umgehend
    without (?:our |the owner's |any )?(?:permission|authori[sz]ation|consent)
    \biocs?\b
    your (?:autonomous system|asn?\b|ranges?|prefix|netblock|domain|website|services?|platform)
    \b(?:the )?following (?:ips?|hosts?|systems?|sites?|web ?sites?|urls?|ip addresses|servers?|machines?|devices?)\b
    \bnotice (?:under|pursuant|of|according)
    digital services act
    2022/2065
    exact (?:electronic )?location
"""

DENIALS = r"""
    counter[- ]?(?:notice|notification)
    retract(?:ion|ing|ed)? (?:of )?(?:the |our |my |this )?(?:notice|complaint|claim|takedown|dmca)
    withdraw(?:al|ing|n)? (?:of )?(?:the |our |my |this )?(?:notice|complaint|claim|takedown|dmca)
    gegendarstellung
    contre-notification
    ^\W{0,6}(?:(?:re|fw|fwd): ?)?\W{0,3}(?:case |issue |incident )?(?:resolved|closed|withdrawn|retracted)\b
    contranotificación
    встречн\w{2} уведомлен
    反通知
    異議申(?:し)?立
    (?:remov|disabl)(?:ed|al|ing).{0,60}(?:as a result of|due to|because of) (?:a )?(?:mistake|error|misidentif)
"""

RETRACTIONS = r"""
    \b(?:i|we) (?:am |are )?(?:hereby )?(?:retract|withdraw)
    \b(?:i|we) (?:am |are )?(?:hereby )?submit(?:ting)? (?:a |this |my |our )?counter
    \b(?:i|we) (?:am |are )?(?:hereby )?(?:dispute|contest) (?:the|this) (?:notice|claim)
    ^\W{0,10}(?:dmca )?counter[- ]?(?:notice|notification)
    \b(?:notice|complaint|claim|takedown|report)\b.{0,60}\b(?:is|was|are|been) (?:hereby )?(?:retracted|withdrawn|resolved)
    \bdisregard (?:our|my|the|this|that) (?:\w{1,15} ){0,3}(?:notice|complaint|claim|report|message|e-?mail|request)
    \b(?:that|which|as) (?:we|i) (?:have )?(?:reported|notified|complained).{0,60}\b(?:ha(?:s|ve) been|was|were|is|are) (?:now )?(?:taken down|removed|resolved|closed|offline)
    \b(?:incident|case|issue|ticket|attack|site|url) .{0,80}\b(?:is|was|has been|have been) (?:now )?(?:closed|resolved|mitigated).{0,80}no (?:further|more) action
    \bno (?:further|more|additional) action (?:is |was )?(?:required|needed|necessary)
    rücknahme
    ziehen wir .{0,40}zurück
    retirons (?:notre|la) (?:plainte|notification|demande)
    retiramos (?:nuestra|la) (?:queja|denuncia|notificación)
    отзываем (?:нашу |свою )?(?:жалоб|претензи|уведомлен)
    撤回(?:投诉|通知|举报|申し立て|通報)
"""

SWORN = r"""
    as a result of (?:a )?(?:mistake|error)\W{1,3}(?:or|and/or) (?:a )?mis-?identif
"""

ANSWERS = r"""
    \b(?:i|we) (?:have |had |just )?(?:already )?(?:cleaned|fixed|removed|deleted|reinstalled|patched|changed|secured|closed|resolved|suspended|blocked|informed|forwarded|terminated)
    \b(?:please|kindly|could you|can you) (?:unblock|unsuspend|reactivate|re-?enable|unlock|lift|restore)
    \bthank(?:s| you) for (?:your |the |letting )
    \bmy (?:server|website|account|vps) (?:was|is|has been) (?:hacked|compromised|suspended|blocked)
    \b(?:ich habe|wir haben) .{0,60}(?:bereinigt|gelöscht|behoben|entfernt|geändert|gesperrt)
    \b(?:nous avons|j'ai) .{0,40}(?:supprimé|nettoyé|corrigé|bloqué)
    \bhemos (?:eliminado|limpiado|corregido|bloqueado|resuelto)
    (?:мы|я) .{0,40}(?:удалил|исправил|очистил|заблокировал)
    (?:已经|已)(?:处理|删除|修复|清理)
    (?:削除|対応|修正)(?:いたし|し)ました
"""

DSA = r"""
    2022/2065
    digital services act
    \bdsa\b
    gesetz über digitale dienste
    règlement (?:\(ue\) )?sur les services numériques
    reglamento de servicios digitales
"""

COPYRIGHT_NOTICE: tuple[tuple[str, str], ...] = (
    ("signature", r"""
        /s/
        \bsignature\b
        \bsigned\b
        electronically sign
        unterschrift|signé|firmado|подпись|署名|签名
    """),
    ("work", r"""
        copyright(?:ed)? (?:\w{1,15} )?(?:work|material|content|title|owner|holder)
        original (?:work|source|content|material)
        infringed work|work infringed|\bwork\(s\)|title of (?:the )?work|description of (?:the )?work
        \btitle\s?:
        <title>
        (?:motion picture|film|song|album|book|software|game|photograph|image|series|recording)s?\b
        urheberrechtlich geschützt|œuvre|obra|произведени|著作物|作品
    """),
    ("contact", r"""
        \b(?:phone|telephone|tel|mobile|fax)\b\W{0,4}\+?[\d(]
        \b(?:postal |street |mailing )?address\s?:
        contact (?:information|details|person|me|us)\b
        \be-?mail(?: address)?\s?:
        <phone>|<address>
        \+\d{1,3}[\s().-]{0,3}\d{2,4}[\s.-]\d{3}
    """),
    ("good_faith", r"""
        good[- ]faith
        guten glauben
        de bonne foi
        de buena fe
        добросовестн
        善意
    """),
    ("perjury", r"""
        penalt(?:y|ies) of perjury
        under perjury
        \bperjury\b
        eidesstattlich
        sous peine de parjure
        bajo pena de perjurio
    """),
)  # fmt: skip
"""The elements of 17 USC 512 (c) (3) (A) and the words by which they are there."""

DSA_NOTICE: tuple[tuple[str, str], ...] = (
    ("reasons", r"""
        \billegal|\bunlawful|\binfring|\bviolat|\bfraud|\bbecause\b|\breasons?\b
        rechtswidrig|illegal|weil\b|begründung
        illicite|illégal|parce que|motif
        ilícit|ilegal|porque|motivo
    """),
    ("notifier", r"""
        (?:my name|name of (?:the )?notifier|notifier|name)\s{0,3}[:(]
        \bon behalf of\b
        \bi am\b|\bwe are\b|\bwe represent\b
        name des meldenden|nom du notifiant|nombre del notificante
        [\w.+-]{1,64}@[\w-]{1,63}\.[a-z]
    """),
    ("bona_fide", r"""
        bona[- ]fide
        good[- ]faith
        accurate and complete
        guten glauben|richtig und vollständig
        bonne foi|exactes et complètes
        buena fe|exactas y completas
    """),
)  # fmt: skip
"""The elements of Article 16 (2) of the Digital Services Act and the words by which they are there."""
