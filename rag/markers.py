"""Small words that turn a statement round or take it back: negation, attribution, doubt, passives. A table a language.

Each entry is a regular expression over the folded text (``rag.spelling.fold``: lower case, no accents); where words are
spaced it is matched from the beginning of a word. A language without an entry has no markers, and no flaws by them.
"""

from __future__ import annotations

from functools import cache

import regex

from rag.language import primary
from rag.spelling import fold

# "Not", "never", "nobody" and the like, in forms that are nothing else.
_NEGATION = {
    "en": r"not\b|n't\b|never\b|no\b|none\b|nobody\b|nothing\b|neither\b|nor\b|cannot\b|nowhere\b",
    "ar": r"[وف]?(?:لا(?! [يت]?زال)|لم|لن|ليس\w*|غير|دون|بدون|بلا|عدم|الا(?= [يت]))\b",
    "fa": r"ن(?:مي|خواه|كرد|شد|بود|باش|دار|داد|گفت|يست|توان|رفت|گرفت|يافت|ديد|كن|شو|گذاش|پذير|رسيد|خورد|"
    r"گشت|ميتوان)|هيچ|بدون|هرگز|عدم|غير",
    "tr": r"degil|yok\b|hic\b|asla|ne de\b|\w+m[ae](?:di|yan|yor|z\b|zlar|zler|mis|yaca|yece|dan\b|den\b|"
    r"dig|digi)"
    r"|\w+m[iu]yor|\w+[ae]m[ae](?:z|di|yan|yor|mis|yec|yac|dig)",
    "ru": r"не\b|ни\b|нет\b|никогда|никто|никак|ничего|нельзя|без\b|невозможно",
    "uk": r"не\b|ні\b|нема\w*|ніколи|ніхто|ніяк|нічого|без\b|неможливо",
    "fr": r"ne\b|n'|pas\b|jamais|aucun|rien\b|non\b|sans\b|ni\b|personne ne",
    "es": r"no\b|nunca|jamas|nadie|ningun|nada\b|tampoco|sin\b|ni\b",
    "de": r"nicht\b|kein|nie\b|niemals|niemand|nichts|ohne\b|weder",
    "it": r"non\b|mai\b|nessun|niente|nulla|senza|ne\b",
    "pt": r"nao\b|nunca|jamais|ninguem|nenhum|nada\b|sem\b|nem\b",
    "id": r"tidak|bukan|belum|tak\b|tanpa|jangan|tiada",
    "nl": r"niet\b|geen\b|nooit|niemand|niets|zonder|noch\b",
    "sv": r"inte\b|ej\b|aldrig|ingen\b|inget\b|inga\b|utan\b|varken",
    "pl": r"nie\b|nigdy|nikt|nic\b|bez\b|zaden|zadn",
    "el": r"δεν\b|μην?\b|οχι|ποτε|κανεις|τιποτα|χωρις",
    "hi": r"नहीं|नही|न\b|मत\b|बिना|ना\b",
    "ur": r"نہيں|نہ\b|بغير|مت\b|بنا\b",
    "bn": r"না\b|নি\b|নেই|নয়|ছাড়া",
    "he": r"[וש]?(?:לא|אין|אינ\w*|בלי|ללא|מעולם|אף|אל)\b",
    "vi": r"khong\b|chua\b|chang\b|đung\b",
    "sw": r"ha(?:ku|wa|tu|i|u|li|ya)\w+|hakuna|bila|si\b|kamwe",
    "zh": r"(?<!毫)不(?!过|仅|断|久|同|少|只|但|料|幸|满|安|论|管|禁)|(?<![淹沉埋吞出])没(?!收|落)有?|"
    r"未(?!来)|无(?!线|人机|论)|并非|"
    r"从未|绝非|别(?=让|说|去)",
    "ja": r"ない(?!か)|なかっ|ません|ず(?=に|、|、)|なく(?=、|な)|ぬ\b|なし",
    "ko": r"않|못하|못했|없|아니|안 ",
    "th": r"ไม่|มิได้|ยังไม่",
}
# What negates in its own meaning: a source with such a word may say what the sentence says with "not".
_CONTRARY = {
    "en": r"without|fail|refus|den(?:y|ie)|reject|lack|unable|prevent|avoid|ban|prohibit|oppos|stop|"
    r"end(?:ed|s)\b|cancel|unlike|un[a-z]{5,}|impossib|rule[sd]? out|only\b|hardly|free of|far from",
    "ar": r"\w*(?:رفض|نف[يى]|انكر|منع|حظر|تجنب|فشل|عجز|خلو|امتنع|حال|توقف|الغ|فقط|سوى|تعذر|استحال|انتهاء)\w*",
    "fa": r"رد كر|تكذيب|منع|ممنوع|خوددار|پرهيز|ناتوان|نا\w{3,}|بي\w{3,}|فقط|تنها|لغو|شكست|مخالف",
    "tr": r"redd|yalanla|engel|onle|yasak|kacin|basarisiz|\w+s[iu]z\b|imkansiz|sadece|yalnizca|iptal|"
    r"durdur|karsi cik|olanaksiz",
    "ru": r"отказ|отрица|опроверг|отверг|запрет|предотвра|избе|лиш|прекра|отмен|не\w{4,}|без\w{3,}|только|"
    r"против|провал",
    "uk": r"відмов|запереч|спрост|відхил|заборон|запобіг|уник|позбав|припин|скас|не\w{4,}|без\w{3,}|лише|тільки|проти",
    "fr": r"refus|ni(?:e|ant|er)\b|dement|rejet|interdi|empech|evit|manqu|prive|cess|annul|seulement|"
    r"impossib|oppos|echou",
    "es": r"neg|rechaz|desmint|prohib|impid|imped|evit|falt|carec|cancel|solo\b|imposib|opus|opon|fracas|dej",
    "de": r"ableh|lehn|weiger|bestreit|dement|verbot|verbiet|verhinder|vermeid|fehl|scheiter|abgesag|nur\b|"
    r"unmog|un\w{5,}|gegen\b",
    "it": r"rifiut|neg|smenti|respin|vieta|impedi|evita|manca|priv|annull|solo\b|impossib|oppost",
    "pt": r"recus|neg|desment|rejeit|proib|imped|evit|falt|cancel|apenas|so\b|impossiv|opos",
    "zh": r"拒绝|否认|否定|驳回|禁止|防止|避免|缺乏|失败|取消|反对|只|仅|停止|难以",
    "ja": r"拒否|否定|却下|禁止|防|避け|欠|失敗|中止|反対|だけ|のみ|不",
    "hi": r"इनकार|इन्कार|खंडन|खारिज|रोक|बच|असफल|रद्द|केवल|सिर्फ|विरोध",
    "ur": r"انكار|ترديد|مسترد|روك|ناكام|منسوخ|صرف|مخالف",
    "he": r"\w*(?:סירב|הכחיש|דחה|דחו|אסר|איסור|מנע|נמנע|חסר|נכשל|ביטל|רק|התנגד|בלתי|הפסיק)\w*",
    "id": r"menolak|membantah|melarang|mencegah|menghindar|gagal|batal|hanya|mustahil|menentang|berhenti",
}
_NOT_ONLY = (
    r"not only|not just|no longer|no later|no fewer|ليس فقط|لا يقل|نه تنها|sadece degil|не только|не менее|не тільки"
    r"|non seulement|no solo|nicht nur|non solo|nao so|tidak hanya|bukan hanya|不仅|不只|不但|"
    r"だけでなく|न केवल|نہ صرف|לא רק"
)
# Whose words something is.
_SPEECH = {
    "en": r"sa(?:id|ys|ying)\b|according|told|tells|tell\b|stat(?:e[sd]|ing)\b|claim|argu|explain|announc|"
    r"declar|report|admit|add(?:ed|s)\b|warn|"
    r"describ|call(?:ed|s)\b|insist|accus|alleg|believ|think|thought|suggest|estimat|note[sd]\b|deni|"
    r"acknowledg|stress|urg|promis|vow|predict|conclud|found|ruled|recall|quot|in the view|in the "
    r"words|assert|maintain|contend|reckon|comment|reveal|confirm|critics|wrote|emphasi|mention|"
    r"laughed|hop(?:e|ing)|fear|expect|demand|ask",
    "ar": r"\w*(?:قال|يقول|تقول|قائل|قول|وفق|بحسب|حسب|ذكر|اعلن|صرح|تصريح|اكد|اوضح|اضاف|زعم|اشار|راى|يرى|"
    r"ترى|اعتبر|اعتقد|يعتقد|افاد|نقل|اتهم|حذر|وصف|شدد|لفت|كشف|توقع|قدر(?!ه)|نفى|اعترف|اقر|وعد|قضت|تعهد|"
    r"ادعى|عبر|يخشى|يامل|طالب|طلب|بيان|كتب)\w*",
    "fa": r"گفت|مي ?گويد|ميگويد|گويند|به نقل|بر ?اساس|طبق|بنابر|اعلام|اظهار|تاكيد|توضيح|افزود|ادعا|اشاره|"
    r"معتقد|گزارش|هشدار|توصيف|خواند|تصريح|برآورد|پيش ?بيني|وعده|نوشت|عقيده|اميدوار|نگران|متهم|انتظار|"
    r"خواستار",
    "tr": r"de(?:di|digini|mis|r|mekte)\b|diyor|diye|soyle|gore\b|acikla|belirt|ifade|bildir|ileri sur|"
    r"iddia|vurgula|kaydet|ekle|savun|uyar|tanimla|nitele|anlat|one sur|tahmin|inan|dusun|umuyor|"
    r"kork|bekle|sozleri|aktar|itiraf|sucla|konus|beyan|talep|iste",
    "ru": r"сказа|говор|заяв|сообщ|по словам|по мнению|по данным|согласно|отмет|подчеркн|объясн|поясн|"
    r"добав|утвержд|счита|признал|предупре|назва|обвин|уверен|рассказ|указа|полага|опаса|ожида|"
    r"надеет|требу|постанов|пришл\w* к вывод|оценива|обеща|прос[ия]т|пиш|написа|по сведен|по сообщ|"
    r"якобы|призва",
    "uk": r"сказа|говор|каж|заяв|повідом|за словами|на думку|за даними|згідно|зазнач|відзнач|підкресл|"
    r"поясн|дода|тверд|вважа|визна|поперед|назва|звинува|розпов|вказа|наголос|побою|очіку|сподіва|"
    r"обіця",
    "fr": r"di(?:t|sent|re|sant)\b|selon|d'apres|a declare|declar|affirm|annonc|expliqu|ajout|estim|assur|"
    r"precis|soulign|accus|averti|qualifi|decri|pretend|reconn|indiqu|juge|pense|croi|craign|espere|"
    r"promis|raconte|rapport|a en croire",
    "es": r"dijo|dice|dijeron|segun|afirm|declar|anunci|explic|anadi|asegur|senal|acus|advirt|calific|"
    r"describ|sostuv|sostien|reconoc|indic|cree|opin|teme|esper|prometi|conto|inform|manifest|de "
    r"acuerdo con|estim",
    "de": r"sag(?:t|te|ten|en)\b|gesagt|laut\b|zufolge|nach angaben|erklar|mitge?teil|teilt|ankund|kundig|"
    r"betont|fugte|behaupt|warn|nannt|bezeichn|beschrieb|beschuld|meint|glaub|hoff|furcht|erwart|"
    r"schatz|versprach|bericht|raumt|aussag|nach ansicht|ausserte|habe\b|seien\b|sei\b",
    "it": r"detto|dice|disse|secondo|afferm|dichiar|annunci|spieg|aggiun|sostien|sostenut|accus|avvert|"
    r"defini|descri|ritien|riten|crede|pens|tem(?:e|ono)\b|sper|promes|riferi|stim|riconosc|sottoline",
    "pt": r"disse|diz|segundo|de acordo|afirm|declar|anunci|explic|acrescent|acus|advert|alert|chamou|"
    r"descrev|acredit|ach(?:a|am)\b|tem(?:e|em)\b|esper|promet|relat|estim|reconhec|ressalt|conforme",
    "id": r"kata\b|berkata|mengatakan|menurut|menyatakan|mengumumkan|menjelaskan|ujar|tutur|menambahkan|"
    r"mengklaim|menuduh|memperingatkan|menyebut|menggambarkan|percaya|memperkirakan|khawatir|"
    r"berharap|berjanji|ungkap|melaporkan|menegaskan",
    "zh": r"说|表示|称|據|据|认为|指出|宣布|强调|告诉|透露|声称|报道|警告|形容|预计|估计|担心|希望|承诺|"
    r"解释|裁定|认定|呼吁|要求|批评|写道|坦言|回忆",
    "ja": r"述べ|話し|語っ|語る|によると|によれば|発表|明らか|主張|説明|指摘|強調|警告|とし(?:た|て|、)|"
    r"という|と言|見込|予想|懸念|期待|約束|報じ|伝え|非難|求め|認定",
    "hi": r"कहा|कहना|कहते|बताया|अनुसार|मुताबिक|घोषणा|दावा|समझाया|जोर|आरोप|चेताव|मानना|मानते|उम्मीद|आशंका|वादा|"
    r"अनुमान|डर|रिपोर्ट|लिखा",
    "ur": r"كہا|كہنا|كہتے|بتايا|مطابق|اعلان|دعوي|وضاحت|زور|الزام|خبردار|ماننا|اميد|خدشہ|وعدہ|اندازہ|بقول|رپورٹ",
    "he": r"\w*(?:אמר|אומר|לדברי|לדבר|לפי|הודיע|הצהיר|הסביר|הוסיף|טען|טוען|ציין|האשים|הזהיר|תיאר|מאמין|"
    r"סבור|חושש|מקוו|הבטיח|מסר|דיווח|הדגיש|העריך|כינת|כינה|לטענת|פסק|קבע)\w*",
    "nl": r"zei\b|zegt|zeggen|volgens|verklaar|meld|kondig|legde? uit|voegde|beweer|waarschuw|noemde|"
    r"beschreef|gelo|hop|vrees|verwacht|schat|beloof",
    "sv": r"sa\b|sade\b|sager|enligt|uppg|forklar|meddel|tillkannag|havda|varna|kallade|beskrev|tror|"
    r"hoppas|befara|vanta|uppskatt|lovade|menar|anser|berattade",
    "pl": r"powiedzia|mowi|wedlug|zdaniem|oswiadcz|oglosi|wyjasni|doda|twierdz|ostrzeg|nazwa|opisa|uwaza|"
    r"ma nadziej|obawia|spodziew|szacuj|obieca|podkresl|stwierdzi|zapowiedzi|poinformow",
    "ko": r"말했|말한|밝혔|따르면|전했|주장|설명|발표|강조|덧붙|경고|예상|우려|기대|약속|라고|다고|불렀|평가",
    "bn": r"বল|মতে|অনুসারে|জানি|ঘোষণা|দাবি|ব্যাখ্যা|অভিযোগ|সতর্ক|আশা|আশঙ্কা|অনুমান|প্রতিশ্রুতি",
    "el": r"ειπ|λεει|ειπε|συμφωνα|δηλωσ|ανακοινωσ|εξηγησ|προσθεσ|ισχυρ|κατηγορ|προειδοπ|χαρακτηρ|περιεγρ|"
    r"πιστευ|ελπιζ|φοβ|αναμεν|εκτιμ|υποσχ",
    "vi": r"noi\b|cho biet|theo\b|tuyen bo|thong bao|giai thich|cho rang|canh bao|goi\b|mo ta|tin rang|hy "
    r"vong|lo ngai|du kien|uoc tinh|hua\b",
    "sw": r"alisema|wanasema|anasema|kulingana|kwa mujibu|alitangaza|alieleza|alidai|alionya|aliita|"
    r"wanatumaini|wanahofia|inatarajiwa|aliongeza|ilisema",
    "th": r"กล่าว|บอก|ตาม(?:ที่|รายงาน)|ระบุ|ประกาศ|อธิบาย|อ้าง|เตือน|เรียก|เชื่อ|หวัง|คาด|กลัว|เกรง|สัญญา",
}
# That something may be so, is expected or wanted, and not that it is.
_DOUBT = {
    "en": r"may\b|might\b|could\b|perhaps|possib|probabl|likely|expect|plan|intend|propos|appear|seem|"
    r"alleg|suspect|should\b|hope|fear|if\b|would\b|reportedly|consider|attempt|aim|want|threat|"
    r"potential|suggest|believ|predict|estimat|rumou?r|unconfirmed",
    "ar": r"\w*(?:قد(?= [يتنا])|ربما|يحتمل|محتمل|المحتمل|يتوقع|متوقع|المتوقع|المنتظر|يعتزم|تعتزم|يخشى|يامل|"
    r"يمكن|لعل|اذا|سيق|يرجح|مزعوم|يزعم|تخطط|يخطط|مقترح|يشتبه)\w*",
    "fa": r"ممكن|شايد|احتمال|انتظار مي|قصد|اميدوار|نگران|اگر|گويا|ظاهرا|پيشنهاد|برنامه|مظنون|ادعا|بايد|تواند|پيش ?بيني",
    "tr": r"\w*(?:[ae]bilir|[ae]bilec)\w*|belki|muhtemel|olasi|bekleni|planl|umuyor|kork|eger|iddia|"
    r"supheli|sanil|tahmin|oner|gerek|niyet",
    "ru": r"мо(?:жет|гут|г|гла|гли)\b|возможн|вероятн|ожида|планиру|намерен|опаса|надеет|если|якобы|"
    r"предполож|предлага|подозрева|по-видимому|похоже|бы\b|должн|прогноз|оценива",
    "uk": r"мо(?:же|жуть)\b|можлив|імовірн|ймовірн|очіку|плану|намір|побою|сподіва|якщо|нібито|припуст|"
    r"пропону|підозр|схоже|би\b|має\b",
    "fr": r"peu(?:t|vent|t-etre)\b|pourrai|probab|possib|prevoi|prevu|envisag|espere|craign|si\b|semble|"
    r"presum|propos|\w+rai(?:t|ent)\b|devrai|attend|suppos",
    "es": r"pued|podri|quiza|tal vez|probab|posib|esper|prev|plane|teme|si\b|parece|supuest|propon|"
    r"\w+ri(?:a|an)\b|debe",
    "de": r"konn|durft|mog|vielleicht|wahrscheinlich|voraussichtlich|soll|plan|erwart|hoff|furcht|falls|"
    r"wenn|angeblich|mutmasslich|vermut|schein|will|wollen|wurde(?:n)?\b",
    "it": r"p(?:uo|otreb|osson)|forse|probabil|possibil|previst|preved|sper|tem(?:e|ono)|se\b|sembr|"
    r"presunt|propon|\w+reb(?:be|bero)\b|dovr|attes",
    "pt": r"pod(?:e|em|eri|era)|talvez|provav|possiv|esper|prev|plane|tem(?:e|em)\b|se\b|parec|suposta|"
    r"propo|\w+ri(?:a|am)\b|dev",
    "id": r"mungkin|bisa|dapat|diperkirakan|diharapkan|berencana|berharap|khawatir|jika|diduga|akan\b|"
    r"kemungkinan|seharusnya|diusulkan",
    "zh": r"可能|或许|也许|或将|预计|有望|计划|打算|希望|担心|如果|据称|疑似|似乎|应该|建议|估计|拟|恐|料|会\b",
    "ja": r"可能性|かもしれ|だろう|見込|予定|計画|期待|懸念|もし|とみられ|ようだ|らしい|恐れ|べき|予想|"
    r"提案|疑い|でしょう",
    "hi": r"सकत|शायद|संभव|उम्मीद|योजना|आशंका|डर|अगर|कथित|लगता|अनुमान|प्रस्ताव|चाहिए",
    "ur": r"سكت|شايد|ممكن|توقع|اميد|منصوبہ|خدشہ|اگر|مبينہ|اندازہ|تجويز|چاہيے|امكان",
    "he": r"\w*(?:עשוי|עלול|אולי|ייתכן|כנראה|צפוי|מתכנ|מקוו|חושש|אם\b|לכאורה|חשוד|נראה|יכול|מציע|אמור)\w*",
    "nl": r"kan\b|kunnen|zou|misschien|waarschijnlijk|verwacht|plan|hoop|vrees|als\b|vermoed|lijk|mogelijk|"
    r"naar verluidt",
    "sv": r"kan\b|kunde|skulle|kanske|troligen|sannolikt|vanta|plan|hoppas|befara|om\b|misstank|verka|mojlig|pastas",
    "pl": r"mo(?:ze|ga)\b|moglb|prawdopodob|byc moze|oczeku|spodziew|plan|nadziej|obawia|jesli|rzekom|"
    r"podejrz|wydaje|powinn|ma\b|maja\b",
    "ko": r"수 있|것으로 (?:보|예상|전망|기대)|예상|전망|계획|우려|기대|만약|추정|가능성|듯|예정",
}
# That who is named first is not who acts.
_PASSIVE = {
    "en": r"(?:was|were|been|being|is|are|be|got)\b(?: \w+){0,2} (?:\w+(?:ed|en|wn|ought|aught|ung|ld|de|"
    r"pt|nt|lt|ft|st)|hit|cut|put)\b.*\bby\b",
    "ar": r"من قبل|من جانب|علي يد|بواسطه|من طرف",
    "fa": r"توسط|از سوي|به دست|از طرف",
    "tr": r"tarafindan|tarafinca",
    "ru": r"(?:был|была|было|были) \w+(?:ан|ен|ят|ана|ена|ято|аны|ены)\w*|\w+лся\b|\w+лась\b",
    "fr": r"(?:ete|est|fut|sont|etait|furent)\b.*\bpar\b",
    "es": r"(?:fue|fueron|sido|es|era)\b.*\bpor\b",
    "de": r"wurde.*\b(?:von|vom|durch)\b|worden",
    "it": r"(?:e|fu|stato|stata|stati|viene|venne)\b.*\bda(?:l|lla|i|gli)?\b",
    "pt": r"(?:foi|foram|sido)\b.*\bpel[oa]",
    "id": r"di\w{3,}.*\boleh\b",
    "zh": r"被|遭|由|受到",
    "ja": r"によって|により|[らさか]れ[たて]|に.{1,8}られ",
    "hi": r"द्वारा|से .{1,20} गय|के हाथों",
    "ur": r"كي طرف سے|كے ہاتھوں|كے ذريعے",
    "he": r"על ידי|בידי|ע\"י",
}
# Written without spaces between words: markers are looked for anywhere.
_UNSPACED = frozenset("zh ja ko th my km lo".split())


def folded(text: str) -> str:
    """The text as the tables of this file are matched against it."""
    return fold(text).replace("\u200c", " ")


@cache
def _pattern(table: str, language: str) -> regex.Pattern[str] | None:
    written = _TABLES[table].get(language)
    if written is None:
        return None
    return regex.compile(written if language in _UNSPACED else rf"(?<![\p{{L}}\p{{M}}])(?:{written})|(?<=\w)n't\b")


_TABLES = {"negation": _NEGATION, "contrary": _CONTRARY, "speech": _SPEECH, "doubt": _DOUBT, "passive": _PASSIVE}
_EXCEPTIONS = regex.compile(_NOT_ONLY)


def negations(text: str, language: str) -> list[str]:
    """The words of a folded text that deny."""
    return _found("negation", _EXCEPTIONS.sub(" ", text), language)


def is_contrary(text: str, language: str) -> bool:
    """Whether a folded text has a word that denies by its meaning ("refused", "without")."""
    return bool(_found("contrary", text, language))


def attributions(text: str, language: str) -> list[str]:
    """The words of a folded text by which it is somebody's statement."""
    return _found("speech", text, language)


def doubts(text: str, language: str) -> list[str]:
    """The words of a folded text by which it says what may be, is planned or expected."""
    return _found("doubt", text, language)


def is_passive(text: str, language: str) -> bool:
    """Whether a folded text names first who is acted upon."""
    return bool(_found("passive", text, language))


def knows(language: str) -> bool:
    """Whether there are tables for a language."""
    return primary(language) in _NEGATION


def _found(table: str, text: str, language: str) -> list[str]:
    pattern = _pattern(table, primary(language))
    return [match.group() for match in pattern.finditer(text)] if pattern else []
