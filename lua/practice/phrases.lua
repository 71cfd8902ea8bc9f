-- SPDX-License-Identifier: MIT
-- What the made-up people say, by language; `{n}` becomes a number.
local phrases = {}

phrases.says = {
  en = {
    "The lock keeper waved us through twice today. {n} boats before noon #canal",
    "Finally fixed the bilge pump. It was a sock. It is always a sock.",
    "Rain since {n} o'clock, the weir hums in B flat #weather",
    "Reading about standing waves, cannot stop looking at puddles now "
      .. "https://weir.example/essays/standing-waves-and-other-things-that-stay?page={n}",
    "Small victory: {n} days without touching the config file.",
    "Does anybody here still own a slide rule? Asking for a museum of one. #retrocomputing",
    "Fresh bread, quiet street, one very loud magpie #morning",
    "Unpopular opinion: the best feature is the one you delete & nobody notices.\n\nSecond best: good defaults.",
    "The archive room is {n} degrees and smells of vinegar. Film does that. #archives",
  },
  de = {
    "Heute {n} Züge gezählt, einer davon war pünktlich. Der Rest hatte Charakter. #bahn",
    "Grüße vom Wehr! Das Wasser steht hoch, die Enten stehen höher.",
    "Wer übrigens „mal eben“ sagt, hat noch nie ein Fahrradschloss mit {n} Grad minus geöffnet.",
    "Apfelkuchen gelungen, Küche nicht mehr erkennbar #backen",
    "Straßenlaterne vor dem Haus flackert im Takt. Niemand glaubt mir.",
    "Neue Karte der alten Kanäle: https://karten.example/kanal/{n}/uebersicht-der-schleusen-und-wehre",
  },
  fr = {
    "Le bac de {n} h est parti sans nous. Tant mieux, il y avait des croissants. #quai",
    "Lu ce matin : « l'eau ne se répète pas ». À vérifier demain.",
    "Il pleut sur le marché, les parapluies fleurissent #météo",
    "Quelqu'un connaît un bon réparateur d'accordéons ? Le mien tousse depuis {n} jours.",
    "La bibliothèque ferme plus tôt, la lune ouvre plus tard.",
  },
  es = {
    "Subimos hasta los {n} metros y el café seguía caliente. Milagro de termo. #montaña",
    "¿Alguien más oye el río cuando no hay río?",
    "Hoy tocaba ordenar el taller. He encontrado tres martillos y ninguna excusa.",
    "La vecina canta boleros a las siete. La ciudad despierta mejor #mañana",
    "Foto movida, recuerdo nítido. #fotografía",
  },
  it = {
    "Pomodori: {n}. Lumache: di più. #orto",
    "In bici lungo il canale, vento contro all'andata e anche al ritorno.",
    "Stasera minestra e un film muto.",
  },
  ja = {
    "今朝の川は静かでした。鴨が{n}羽。 #散歩",
    "新しいレンズが届いた!さっそく雨。 #写真",
    "電車が三分遅れて、いい本を一章読めた。",
    "味噌汁と焼き魚、それだけで週末。",
    "夕焼けがきれいすぎて、誰にも言えなかった。",
  },
  ar = {
    "صباح الخير من المدينة القديمة ☕ عدد القطط اليوم {n} #صباح",
    "قرأت كتابا عن الأنهار ولم أعد أنظر إلى الماء كما كنت.",
    "المطر يكتب على الزجاج، وأنا أقرأ. #مطر",
    "من يعرف مكتبة صغيرة تفتح مساء الجمعة؟",
  },
  ru = {
    "Сегодня насчитал {n} мостов и ни одного одинакового. #мосты",
    "Чай остыл, глава кончилась, снег пошёл.",
    "Старый приёмник поймал музыку, которой нет в программе #радио",
    "Кто ещё просыпается за минуту до будильника?",
  },
  pt = {
    "O rio hoje está com cor de café com leite. {n} gaivotas concordam. #rio",
    "Consertei o rádio e perdi o parafuso. Equilíbrio.",
    "Verso curto:\na chuva sabe\no nome da rua",
    "Alguém recomenda um livro fino para uma fila grande?",
  },
  zh = {
    "今天走了{n}步,都是为了一碗面。 #散步",
    "雨后的书店,人很少,灯很暖。",
  },
}

-- Posts that go with a picture of a cat.
phrases.cats = {
  en = { "She has opinions about the keyboard. #caturday", "Inspector of cardboard boxes, on duty #caturday #cats",
    "Loaf status: {n} % #Caturday" },
  de = { "Der Kater hat das Paket angenommen. Unterschrift: Pfote. #caturday",
    "Fensterbankdienst, Schicht {n} #caturday #katzen" },
  fr = { "Le chat relit mes épreuves #caturday", "Sieste n° {n} de la journée #caturday #chats" },
  es = { "La gata manda, yo sirvo #caturday #gatos", "Hora de la siesta número {n} #caturday" },
  it = { "Il gatto controlla l'orto #caturday #gatti" },
  ja = { "箱があれば入る。 #caturday #猫", "本日の巡回、{n}回目 #caturday" },
  ru = { "Кот принял посылку. #caturday #коты" },
  pt = { "Gato na rede, chefe no sofá #caturday #gatos" },
  ar = { "القطة تراقب المطر #caturday" },
  zh = { "猫又占了椅子 #caturday" },
}

-- Pictures: alternative texts by subject; half of the pictures go without one.
phrases.alts = {
  cat = { "A grey tabby cat asleep on a closed laptop", "Black cat looking out of a rainy window",
    "Eine rote Katze in einem viel zu kleinen Karton", "キジトラの猫が窓辺で寝ている", "Two cats sharing one cushion, badly" },
  view = { "A weir at dusk, golden light on the water", "Un bac blanc traverse la rivière dans la brume",
    "Train station platform in the snow, one bicycle", "霧の中の橋", "Mountain hut with a red door" },
}

-- A content warning and what stands behind it.
phrases.warned = {
  { "en", "food", "Made the soup again. {n} garlic cloves, no regrets." },
  { "en", "politics, local", "The council meeting took {n} hours. The bench stays." },
  { "de", "Höhe", "Vom Turm runtergeschaut. Nie wieder. #turm" },
  { "fr", "araignée", "Elle vit derrière le miroir, je lui ai donné un nom." },
  { "ja", "ネタバレ", "最終話、犯人は{n}番目の客だった。" },
}

phrases.polls = {
  { "en", "Tea before or after the lock?", { "before", "after", "both", "there is tea?" } },
  { "de", "Welche Farbe für das Boot?", { "Rot", "Blau", "Es hat schon eine" } },
  { "es", "¿Café o montaña?", { "café", "montaña", "café en la montaña" } },
  { "ja", "今日のおやつは?", { "たい焼き", "せんべい" } },
}

phrases.bots = {
  tidebot = "High water at {n}:20, 4.1 m. Low water at {n}:55, 0.7 m. #tides",
  weatherbot = "Wetter: {n} Grad, Wind aus West, Frösche zuversichtlich. #wetter",
  newsrelay = "Harbour: crane {n} back in service after inspection https://harbour.example/news/{n}",
  trains = "Gleis {n}: Abfahrt verspätet um 5 Minuten. #gleisanzeiger",
  birdsofday = "Bird of the day: grey wagtail, seen {n} times this week #birds",
  ferry = "Ligne 7 : prochain bac dans {n} minutes. #bac",
}

phrases.to_bot = { "ping", "hello", "help", "hello there!", "what time is it?", "ping?", "Guten Tag", "bonjour",
  "thank you 🙏" }

phrases.replies = {
  en = { "Same here, since {n} years.", "That is the best thing I read today.", "Source? (kindly)" },
  de = { "Bei uns auch!", "Schön gesagt.", "Nummer {n} überrascht mich nicht." },
  fr = { "Exactement.", "Merci pour le lien !" },
  es = { "Totalmente de acuerdo.", "¡Qué envidia!" },
  it = { "Verissimo." },
  ja = { "わかります。", "いいですね!" },
  ar = { "أحسنت!" },
  ru = { "Именно так.", "Завидую!" },
  pt = { "Que beleza!" },
  zh = { "真好。" },
}

phrases.direct = { "Could you look at this tomorrow?", "Danke für vorhin!", "On se voit au quai à {n} h ?", "了解です。",
  "The parcel arrived, all {n} pieces.", "Послал тебе письмо.", "¿Hablamos luego?" }

phrases.spam = "CHEAP watches, {n} % off today only!!! https://cheap-offers.example/deal?id=77 #deals"

phrases.announcements = { "Maintenance tonight from 22:00 UTC; expect 5 to 10 minutes of silence.",
  "New custom emoji: a lock gate. Use it wisely.", "The practice instance has been practising for {n} days." }

return phrases
