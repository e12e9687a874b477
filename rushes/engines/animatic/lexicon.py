"""The words that a storyboard artist listens for, in English and the commonest words of five more languages.

Tables only; reading a prompt with them is `brief`'s job. Chinese and Japanese are not written in words, so theirs are
looked for anywhere in the text.
"""

from __future__ import annotations

PLACES: dict[str, str] = {
    "beach": "beach shore shoreline coast seaside playa orilla plage strand küste 海滩 沙滩 海岸 浜辺 ビーチ 砂浜",
    "sea": "sea ocean harbor harbour island waves wave tide surf marina mar océano mer océan meer ozean 海 大海 海洋",
    "mountains": "mountain mountains peak peaks alps alpine cliff cliffs summit valley canyon volcano ridge hike "
    "montaña "
    "montañas montagne "
    "montagnes berg berge gebirge 山 山脉 雪山 山々",
    "forest": "forest woods woodland jungle rainforest trees grove bosque selva forêt wald 森林 树林 森 林",
    "waterfall": "waterfall waterfalls cascade cascada chute wasserfall 瀑布",
    "bamboo": "bamboo bambú bambou bambus 竹林 竹",
    "desert": "desert dune dunes sahara mars martian marte 火星 savanna savannah badlands mesa desierto "
    "désert wüste 沙漠 砂漠",
    "street": "street alley avenue sidewalk downtown crosswalk boulevard shibuya market bazaar calle rue straße "
    "strasse "
    "gasse 街 街道 街头 通り 路地",
    "skyline": "city skyline skyscraper skyscrapers metropolis rooftop rooftops urban cityscape manhattan tokyo "
    "paris london berlin dubai chicago shanghai "
    "futuristic "
    "ciudad ville stadt 城市 都市 都会 天际线",
    "village": "village town hamlet countryside farm barn pueblo aldea dorf 村庄 村 小镇",
    "kitchen": "kitchen restaurant diner bakery chef cooking cocina cuisine küche 厨房 台所",
    "office": "office classroom library lab laboratory studio-office desk workshop oficina bureau "
    "büro 办公室 教室 图书馆",
    "room": "gym church hospital ballroom-floor cave-room lounge room bedroom interior indoors apartment cafe "
    "café livingroom house-inside hallway hotel bar museum windowsill "
    "gallery window "
    "habitación cuarto chambre zimmer 房间 部屋 室内 窗边 窗",
    "road": "road highway route path trail driveway freeway carretera camino autoroute weg 公路 道路 道",
    "river": "river stream creek canal brook río rivière fleuve fluss 河 河流 川",
    "lake": "lake pond lagoon reservoir lago lac 湖 池",
    "field": "field meadow grass grassland prairie garden park hill hills lawn farmland plain wheat lavender "
    "campo prado "
    "jardín champ pré wiese feld garten 草原 田野 花园 公园 公園 庭 野原",
    "abstract": "abstract fractal kaleidoscope psychedelic mandala geometric generative abstracto abstracta abstrait "
    "abstrakt abstrakte 抽象",
    "table": "table tabletop countertop mesa-de-madera tisch 桌子 餐桌",
    "space": "space galaxy planet planets cosmos nebula moon-surface universe asteroid spacewalk interstellar "
    "espacio "
    "espace weltraum weltall 太空 宇宙 星球 月球 地球 月面",
    "underwater": "underwater reef seabed aquarium undersea submarino sous-marin unterwasser 水下 海底 水中",
    "snow": "arctic antarctica tundra glacier ski snowfield snowy snowfall iceberg nieve neige schnee 雪地 雪原 冰川",
    "stage": "stage concert theater theatre spotlight ballroom club escenario scène bühne 舞台 ステージ",
    "sky": "clouds sky heavens airborne cielo ciel himmel nuages wolken 天空 云 空 雲",
    "studio": "studio product packshot pedestal seamless backdrop podium 产品 摄影棚",
}

TIMES: dict[str, str] = {
    "dawn": "dawn sunrise morning daybreak amanecer aube lever matin sonnenaufgang morgen "
    "日出 清晨 黎明 早晨 朝 夜明け",
    "dusk": "dusk sunset evening twilight golden atardecer ocaso puesta crépuscule coucher soir sonnenuntergang "
    "abend "
    "dämmerung 日落 夕阳 黄昏 傍晚 夕焼け 夕暮れ 夕日",
    "night": "night midnight moonlight moonlit moon stars starry nighttime nocturnal noche nuit nacht nachts 夜 "
    "夜晚 月光 星空",
    "day": "day noon midday daylight sunny afternoon sunlit día jour midi 白天 中午 昼 晴れ 阳光",
}

WEATHERS: dict[str, str] = {
    "rain": "rain raining rainy drizzle downpour wet lluvia lloviendo pluie pleut regen regnet 雨 下雨",
    "snow": "snow snowing snowfall blizzard snowstorm snowflakes snowy nieve nevando neige schnee schneit 雪 下雪",
    "storm": "storm stormy thunder thunderstorm lightning tempest tormenta orage tempête sturm gewitter 暴风雨 嵐 雷",
    "fog": "fog foggy mist misty haze hazy niebla brouillard brume nebel 雾 霧",
    "cloud": "cloudy overcast gloomy grey-sky nublado nuageux bewölkt 多云 曇り",
}

SEASONS: dict[str, str] = {
    "spring": "spring blossom blossoms cherry bloom blooming sakura primavera printemps frühling 春 樱花 桜",
    "summer": "summer tropical verano été sommer 夏",
    "autumn": "autumn fall-leaves foliage autumnal october otoño automne herbst 秋 紅葉",
    "winter": "winter icy frozen frost ice christmas invierno hiver 冬",
}

MOODS: dict[str, str] = {
    "noir": "noir monochrome black-and-white silhouette",
    "neon": "neon cyberpunk synthwave vaporwave",
    "pastel": "pastel dreamy soft cute kawaii whimsical",
    "warm": "warm cozy cosy nostalgic",
    "cold": "cold chilly bleak lonely melancholy sad icy",
    "vintage": "vintage retro sepia old-fashioned",
    "vivid": "vibrant vivid colorful colourful bright",
    "burning": "burning ablaze apocalypse apocalyptic inferno wildfire incendie brennende ardiendo",
    "eerie": "eerie creepy horror spooky haunted ominous",
    "mars": "mars martian marte 火星",
}

SUBJECTS: dict[str, str] = {
    "man": "man guy gentleman person figure human hiker traveler traveller soldier worker farmer fisherman "
    "boy-friend father "
    "boxer diver ninja doctor teacher student pirate clown santa zombie vampire policeman officer firefighter cowboy "
    "superhero driver pilot grandfather brother husband groom waiter barista climber explorer scientist player "
    "skateboarder magician prince fighter viking emperor engineer barber gardener "
    "businessman detective samurai knight warrior wizard monk king dancer skier runner chef someone he hero "
    "photographer musician artist athlete monje hombre persona homme personne mann 男人 人 男 男性 人物",
    "woman": "grandmother grandma nurse witch sister wife girlfriend waitress goddess fairy mermaid "
    "geisha nun "
    "woman lady mother queen princess bride she ballerina actress model dress mujer señora femme frau "
    "女人 女 女性",
    "child": "child son daughter kid boy girl toddler baby children kids niño niña enfant garçon fille kind junge "
    "mädchen 孩子 "
    "小孩 男孩 女孩 子供 "
    "少年 少女",
    "couple": "couple lovers friends pareja paar 情侣 夫妻 恋人",
    "surfer": "surfer surfista surfeur 冲浪者 サーファー",
    "family": "family parents familia famille familie 家庭 一家 家族",
    "crowd": "crowd crowded bustling people audience pedestrians group-of-people team gente foule menge leute "
    "人群 人们 人々 群衆",
    "astronaut": "astronaut cosmonaut spaceman astronauta astronaute 宇航员 宇宙飛行士",
    "robot": "robot android mech cyborg roboter 机器人 ロボット",
    "dog": "dog puppy hound retriever corgi husky perro chien hund 狗 犬 小狗",
    "cat": "cat kitten kitty gato chat katze 猫",
    "fox": "fox zorro renard fuchs 狐狸 狐",
    "wolf": "wolf wolves coyote lobo loup 狼",
    "bear": "bear panda oso bär 熊 熊猫",
    "lion": "lion tiger leopard cheetah panther león lionne löwe 狮子 老虎 ライオン 虎",
    "horse": "horse pony stallion unicorn zebra caballo cheval pferd 马 馬",
    "deer": "deer stag elk moose reindeer antelope ciervo cerf hirsch 鹿",
    "cow": "cow bull buffalo bison vaca vache kuh 牛",
    "sheep": "sheep lamb goat oveja mouton schaf 羊",
    "elephant": "elephant mammoth elefante éléphant elefant 大象 象 ゾウ",
    "giraffe": "giraffe jirafa 长颈鹿 キリン",
    "rabbit": "rabbit bunny hare conejo lapin hase 兔子 兎 うさぎ",
    "penguin": "penguin pingüino pingouin pinguin 企鹅 ペンギン",
    "jellyfish": "jellyfish medusa méduse qualle 水母 クラゲ",
    "turtle": "turtle tortoise tortuga tortue schildkröte 海龟 乌龟 カメ",
    "octopus": "octopus squid kraken pulpo poulpe krake 章鱼 タコ",
    "dinosaur": "dinosaur t-rex tyrannosaurus godzilla monster dinosaurio dinosaure dinosaurier 恐龙 恐竜",
    "bird": "bird seagull eagle hawk crow raven owl swallow pigeon dove crane goose swan parrot flamingo pájaro "
    "oiseau "
    "vogel vögel 鸟 鳥",
    "butterfly": "butterfly moth mariposa papillon schmetterling 蝴蝶 蝶",
    "fish": "fish goldfish koi shark salmon pez peces poisson fisch 鱼 魚",
    "whale": "whale dolphin orca ballena baleine wal 鲸鱼 鲸 クジラ 海豚",
    "dragon": "dragon wyvern dragón drache 龙 竜 ドラゴン",
    "car": "car taxi convertible sedan jeep suv automobile coche carro voiture auto wagen 汽车 车 車",
    "bus": "bus van truck lorry tram autobús camión camion lastwagen 公交车 卡车 バス",
    "bicycle": "bicycle bike cyclist motorcycle motorbike scooter bicicleta vélo fahrrad 自行车 自転車",
    "train": "train locomotive subway tren zug 火车 列车 電車 列車",
    "boat": "boat sailboat ship yacht canoe kayak vessel rowboat ferry barco bateau voilier boot schiff 船 帆船 小船",
    "plane": "plane airplane aeroplane jet aircraft avión avion flugzeug 飞机 飛行機",
    "rocket": "rocket spaceship spacecraft shuttle starship cohete fusée rakete 火箭 飞船 ロケット",
    "balloon": "balloon balloons hot-air-balloon airship globo montgolfière heißluftballon 热气球 气球 気球",
    "house": "house cabin cottage hut home shack farmhouse casa maison haus 房子 小屋 家",
    "tree": "tree oak pine palm maple árbol arbre baum 树 木",
    "lighthouse": "lighthouse faro phare leuchtturm 灯塔 灯台",
    "castle": "castle palace fortress temple castillo château schloss burg 城堡 城",
    "tower": "tower windmill pagoda eiffel torre turm 塔",
    "bridge": "bridge puente pont brücke 桥 橋",
    "lantern": "lantern lanterns lamp candle streetlamp linterna lanterne laterne 灯笼 提灯",
    "umbrella": "umbrella parasol paraguas parapluie regenschirm 雨伞 傘",
    "flower": "flower flowers rose tulip sunflower daisy lotus flor fleur blume blumen 花",
    "cup": "cup mug coffee tea teacup taza tasse kaffee 杯子 咖啡 コーヒー",
    "bottle": "bottle perfume vase wine jar botella bouteille flasche 瓶子 香水",
    "shoe": "shoe sneaker sneakers boots zapato chaussure schuh 鞋",
    "ball": "ball football soccer basketball pelota ballon fußball 球",
    "tent": "tent campsite camping tienda tente zelt 帐篷 テント",
    "fire": "campfire bonfire fireplace fire fogata feu feuer 篝火 火",
    "burger": "burger hamburger cheeseburger sandwich hamburguesa 汉堡 ハンバーガー",
    "bowl": "bowl ramen noodle noodles soup salad curry pasta spaghetti sopa soupe suppe 面条 拉面 汤 ラーメン",
    "plate": "plate food meal dish dinner lunch breakfast steak pizza sushi pancake pancakes dessert comida plat essen "
    "食物 美食 料理",
    "cake": "cake cupcake birthday-cake gâteau torte kuchen 蛋糕 ケーキ",
    "laptop": "laptop computer notebook macbook ordenador ordinateur 电脑 パソコン",
    "phone": "phone smartphone iphone cellphone teléfono téléphone handy 手机 スマホ",
    "guitar": "guitar ukulele violin guitarra guitare gitarre 吉他 ギター",
    "bench": "bench banco banc bank 长椅 ベンチ",
    "chair": "chair armchair stool throne silla chaise stuhl 椅子",
    "sofa": "sofa couch bed sofá canapé lit bett 沙发 床 ソファ",
    "volcano": "volcano volcán volcan vulkan 火山",
    "apple": "apple orange-fruit fruit peach manzana pomme apfel 苹果 りんご",
}

ACTIONS: dict[str, str] = {
    "walk": "walk walks walking stroll strolls strolling wander wanders wandering stalks hikes hiking marches "
    "marching crosses "
    "camina caminando caminar marche geht läuft spaziert 走 散步 歩く",
    "run": "run runs running jog jogs jogging sprint sprints sprinting race races racing gallop gallops "
    "galloping chases "
    "chasing corre corriendo rennt 跑 奔跑 走る",
    "lie": "lie lies lying laying sleep sleeps sleeping asleep nap naps napping curled duerme dort schläft 睡 躺 寝る",
    "sit": "sit sits sitting seated sat rests resting meditates meditating sentado sentada assis assise sitzt 坐 "
    "座る 座って",
    "kiss": "kiss kisses kissing hug hugs hugging embrace embraces embracing besa küssen embrasse 接吻 拥抱 キス",
    "fight": "fight fights fighting battle battles boxing punches punching duel duels training spars lucha kämpft "
    "战斗 戦う",
    "work": "cook cooks cooking work works working type types typing write writes writing read reads reading eat eats "
    "eating drink drinks drinking talk talks talking speak speaks speaking paint paints painting sing sings singing "
    "play plays playing juega joue spielt 弹 读 吃 喝 食べる 読む",
    "land": "land lands landing descend descends descending aterriza atterrit landet 降落 着陸",
    "dance": "dance dances dancing twirl twirls twirling spins spinning baila bailando danse tanzt 跳舞 踊る",
    "jump": "jump jumps jumping leap leaps leaping hops hopping salta saute springt 跳 跳ぶ",
    "wave": "waving waves-hand greets greeting cheers cheering saluda winkt 挥手",
    "fly": "fly flies flying soar soars soaring glide glides gliding hover hovers hovering launches launching "
    "vuela vole fliegt "
    "飞 飞翔 飛ぶ",
    "drive": "drive drives driving ride rides riding cruise cruises cruising speeds speeding passes passing "
    "conduce roule fährt "
    "开 行驶 骑",
    "swim": "swim swims swimming dive dives diving nada nage schwimmt 游 游泳 泳ぐ",
    "float": "float floats floating drift drifts drifting sail sails sailing rises rising flota flotte schwebt 漂浮",
    "stand": "stand stands standing looks looking watches watching waits waiting gazes gazing stares de-pie "
    "debout steht 站 立つ",
}

COLOURS: dict[str, tuple[tuple[int, int, int], str]] = {
    "red": ((206, 62, 54), "red crimson scarlet ruby rojo roja rouge rot rote roter rotes 红 红色 赤 赤い"),
    "orange": ((232, 132, 52), "orange amber naranja 橙 橙色"),
    "yellow": (
        (240, 194, 70),
        "yellow golden-yellow gold amarillo amarilla jaune gelb gelbe gelber gelbes 黄 黄色 黄色い",
    ),
    "green": ((84, 148, 92), "green emerald verde vert verte grün grüne grüner grünes 绿 绿色 緑"),
    "teal": ((52, 146, 150), "teal turquoise cyan aqua"),
    "blue": ((66, 112, 184), "blue navy azure cobalt azul bleu bleue blau blaue blauer blaues 蓝 蓝色 青 青い"),
    "purple": ((128, 88, 164), "purple violet lavender-coloured morado violeta lila 紫 紫色"),
    "pink": ((232, 138, 164), "pink magenta rosa 粉 粉色 粉红 ピンク"),
    "brown": ((134, 92, 64), "brown tan chestnut marrón brun marron braun braune brauner 棕色 茶色"),
    "white": ((240, 238, 232), "white ivory cream blanco blanca blanc blanche weiß weiße weißer weißes 白 白色 白い"),
    "black": ((46, 46, 54), "black negro negra noir-coloured schwarz schwarze schwarzer schwarzes 黑 黑色 黒 黒い"),
    "grey": ((142, 146, 152), "grey gray silver gris grau graue grauer 灰色"),
}

HAIRS: dict[str, tuple[tuple[int, int, int], str]] = {
    "yellow": ((222, 184, 116), "blonde blond rubia rubio"),
    "red": ((176, 78, 44), "redhead ginger pelirroja rousse"),
    "brown": ((96, 64, 44), "brunette morena brune"),
    "black": ((46, 38, 40), ""),
    "grey": ((176, 174, 172), ""),
    "white": ((222, 220, 214), "old elderly aged grandfather grandmother grandpa grandma wizard santa anciano alter"),
}

COUNTS: dict[str, int] = {
    **{"a": 1, "an": 1, "one": 1, "single": 1, "lone": 1, "un": 1, "una": 1, "une": 1, "ein": 1, "eine": 1, "一": 1},
    **{"two": 2, "pair": 2, "both": 2, "dos": 2, "deux": 2, "zwei": 2, "两": 2, "二": 2},
    **{"three": 3, "few": 3, "some": 3, "tres": 3, "trois": 3, "drei": 3, "三": 3},
    **{"four": 4, "several": 4, "cuatro": 4, "quatre": 4, "vier": 4, "四": 4},
    **{"five": 5, "cinco": 5, "cinq": 5, "fünf": 5, "五": 5, "six": 6, "seis": 6, "sechs": 6, "六": 6},
    **{"seven": 7, "siete": 7, "sept": 7, "sieben": 7, "eight": 8, "ocho": 8, "huit": 8, "acht": 8},
    **{"many": 7, "flock": 7, "herd": 6, "swarm": 8, "school": 7, "group": 5, "dozens": 9, "dozen": 9, "lots": 7},
    **{"nine": 9, "ten": 9, "hundreds": 9, "thousands": 9, "army": 9, "fleet": 5, "pack": 4, "countless": 9},
}

FRAMINGS: dict[str, str] = {
    "close": r"close[- ]?ups?|macro|product (?:shot|photo\w*|video)|packshot|portrait|detail shot|headshot|tight "
    r"shot|primer plano|gros "
    "plan|nahaufnahme|特写|クローズアップ",
    "wide": r"wide[- ](?:angle|shot)|establishing shot|panoram\w+|vast|epic|long shot|extreme wide|landscape "
    "shot|weite|远景",
    "aerial": r"aerial|bird'?s[- ]eye|drone|from above|top[- ]down|overhead|high[- ]angle|vista "
    "aérea|luftaufnahme|俯瞰|航拍|空撮",
    "low": r"low[- ]angle|from below|worm'?s[- ]eye|looking up|heroic angle|contrapicado|仰拍",
}
