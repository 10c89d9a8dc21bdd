// Words: opposites, a small dictionary, definitions, idioms and poems.

const pairs = (text) =>
  text
    .trim()
    .split(/\s*\n\s*|\s*,\s*/)
    .map((pair) => pair.split(/\s*\/\s*/));

export const opposites = {
  zh: pairs(
    "大/小, 高/矮, 长/短, 多/少, 快/慢, 早/晚, 新/旧, 好/坏, 冷/热, 轻/重, 黑/白, 开/关, 上/下, 左/右, 前/后, 里/外, 远/近, 胖/瘦, 强/弱, 软/硬, 干净/肮脏, 高兴/难过, 安全/危险, 成功/失败, 简单/复杂, 容易/困难, 开始/结束, 勇敢/胆小, 勤劳/懒惰, 聪明/愚笨, 贫穷/富有, 增加/减少, 前进/后退, 进攻/防守, 相同/不同, 真实/虚假, 热情/冷淡, 美丽/丑陋, 安静/吵闹, 光明/黑暗, 诚实/虚伪, 喜欢/讨厌, 朋友/敌人, 白天/黑夜, 天上/地下, 过去/未来, 出口/入口, 借入/借出",
  ),
  en: pairs(
    "big/small, tall/short, long/short, many/few, fast/slow, early/late, new/old, good/bad, cold/hot, light/heavy, black/white, open/closed, up/down, left/right, in/out, far/near, fat/thin, strong/weak, soft/hard, clean/dirty, happy/sad, safe/dangerous, success/failure, simple/complex, easy/difficult, start/end, brave/cowardly, lazy/hard-working, clever/stupid, poor/rich, true/false, beautiful/ugly, quiet/loud, bright/dark, honest/dishonest, love/hate, friend/enemy, day/night, past/future, entrance/exit, full/empty, wet/dry, young/old, high/low, wide/narrow, sweet/bitter, first/last, win/lose, buy/sell, push/pull",
  ),
};

export const dictionary = pairs(`
apple/苹果, banana/香蕉, pear/梨, peach/桃子, grape/葡萄, lemon/柠檬, watermelon/西瓜, carrot/胡萝卜, potato/土豆, tomato/西红柿, onion/洋葱, rice/米饭, bread/面包, noodles/面条, egg/鸡蛋, milk/牛奶, water/水, tea/茶, coffee/咖啡, sugar/糖, salt/盐
dog/狗, cat/猫, cow/牛, sheep/羊, horse/马, pig/猪, lion/狮子, tiger/老虎, wolf/狼, bear/熊, mouse/老鼠, duck/鸭子, chicken/鸡, swan/天鹅, owl/猫头鹰, frog/青蛙, bee/蜜蜂, ant/蚂蚁, butterfly/蝴蝶, spider/蜘蛛, snake/蛇, fish/鱼, shark/鲨鱼, turtle/乌龟, rabbit/兔子, elephant/大象, whale/鲸, monkey/猴子, panda/熊猫, bird/鸟
sun/太阳, moon/月亮, star/星星, sky/天空, sea/大海, river/河, mountain/山, tree/树, flower/花, grass/草, rain/雨, snow/雪, wind/风, cloud/云, fire/火, stone/石头, earth/地球, spring/春天, summer/夏天, autumn/秋天, winter/冬天
father/父亲, mother/母亲, brother/兄弟, sister/姐妹, friend/朋友, teacher/老师, student/学生, doctor/医生, child/孩子, family/家庭, name/名字, people/人们
head/头, hand/手, foot/脚, eye/眼睛, ear/耳朵, nose/鼻子, mouth/嘴, hair/头发, heart/心
house/房子, door/门, window/窗户, table/桌子, chair/椅子, bed/床, book/书, pen/钢笔, paper/纸, computer/电脑, phone/电话, key/钥匙, clock/时钟, school/学校, hospital/医院, city/城市, street/街道, car/汽车, train/火车, plane/飞机, ship/轮船, bicycle/自行车, clothes/衣服, shoes/鞋, money/钱
red/红色, blue/蓝色, green/绿色, yellow/黄色, white/白色, black/黑色
to eat/吃, to drink/喝, to sleep/睡觉, to walk/走, to run/跑, to read/读, to write/写, to speak/说, to listen/听, to see/看, to learn/学习, to work/工作, to play/玩, to love/爱, to help/帮助, to think/想
today/今天, tomorrow/明天, yesterday/昨天, morning/早上, evening/晚上, year/年, month/月, day/天, hour/小时
hello/你好, thank you/谢谢, goodbye/再见, sorry/对不起, good morning/早上好, good night/晚安, I love you/我爱你, happy birthday/生日快乐
music/音乐, language/语言, question/问题, answer/答案, story/故事, dream/梦, peace/和平, love/爱, time/时间, world/世界`);

/** names, definition */
export const definitions = {
  zh: [
    [["微调"], "微调就是用自己的数据继续训练一个已有的模型，让它学会新的本领。"],
    [["LoRA"], "LoRA 是一种微调方法：原来的权重不动，只训练两个小矩阵。"],
    [["QLoRA"], "QLoRA 就是在量化过的模型上做 LoRA 微调，更省内存。"],
    [["token", "词元"], "token 是模型读写文字的最小单位，可以是一个字、一个词或词的一部分。"],
    [["分词器", "tokenizer"], "分词器把文字切成 token，再变成数字。"],
    [["大语言模型", "语言模型"], "语言模型根据前面的文字预测下一个 token。"],
    [["GPU", "显卡"], "GPU 是擅长同时做很多计算的芯片，常用来训练模型。"],
    [["CPU"], "CPU 是电脑的中央处理器，负责执行程序。"],
    [["内存"], "内存是电脑运行程序时临时存放数据的地方。"],
    [["硬盘"], "硬盘是电脑长期保存文件的地方。"],
    [["Python"], "Python 是一种简单易学的编程语言。"],
    [["JavaScript"], "JavaScript 是网页上最常用的编程语言。"],
    [["TypeScript"], "TypeScript 是带类型的 JavaScript。"],
    [["MLX"], "MLX 是苹果开发的机器学习框架。"],
    [["损失", "loss"], "损失表示模型预测错了多少，越小越好。"],
    [["学习率"], "学习率决定每一步训练改动多大。"],
    [["梯度"], "梯度告诉模型每个权重该往哪个方向改。"],
    [["过拟合"], "过拟合就是模型只会背训练数据，遇到新问题就不会了。"],
    [["量化"], "量化就是用更少的位数保存权重，让模型更小。"],
    [["训练集"], "训练集是用来训练模型的数据。"],
    [["验证集"], "验证集是用来检查模型学得好不好的数据。"],
    [["神经网络"], "神经网络是由很多层简单计算组成的模型。"],
    [["人工智能", "AI"], "人工智能就是让机器做需要智慧的事情。"],
    [["机器学习"], "机器学习就是让电脑从数据中自己学会规律。"],
    [["提示词", "prompt"], "提示词就是你写给模型的话。"],
    [["互联网"], "互联网是连接全世界电脑的网络。"],
    [["浏览器"], "浏览器是用来看网页的程序。"],
    [["操作系统"], "操作系统是管理电脑硬件和程序的软件。"],
    [["Linux"], "Linux 是一个开源的操作系统。"],
    [["算法"], "算法就是解决问题的一步一步的方法。"],
    [["数据库"], "数据库是有条理地保存数据的地方。"],
    [["开源"], "开源就是把源代码公开，让大家一起使用和改进。"],
    [["API"], "API 是程序之间互相调用的接口。"],
    [["Git"], "Git 是管理代码版本的工具。"],
    [["变量"], "变量是程序里存放数据的名字。"],
    [["函数"], "函数是一段可以反复使用的代码。"],
    [["循环"], "循环就是让一段代码重复执行。"],
    [["光合作用"], "光合作用就是植物用阳光、水和空气制造养分。"],
    [["重力", "引力"], "重力就是地球把东西往下拉的力。"],
    [["彩虹"], "彩虹是阳光照过雨滴形成的七色光。"],
    [["化石"], "化石是很久以前的生物留在石头里的样子。"],
    [["火山"], "火山是地下岩浆喷出来的山。"],
    [["季节"], "季节是一年里的春、夏、秋、冬。"],
  ],
  en: [
    [["fine-tuning", "finetuning"], "Fine-tuning means training an existing model further on your own data."],
    [["LoRA"], "LoRA is a way of fine-tuning: the old weights stay, and only two small matrices are trained."],
    [["QLoRA"], "QLoRA is LoRA on a quantized model. It needs less memory."],
    [["a token"], "A token is the smallest piece of text that a model reads: a word or a part of one."],
    [["a tokenizer"], "A tokenizer cuts text into tokens and turns them into numbers."],
    [["a language model", "an LLM"], "A language model predicts the next token from the text before it."],
    [["a GPU"], "A GPU is a chip that does many sums at once. It is often used to train models."],
    [["a CPU"], "A CPU is the main processor of a computer. It runs programs."],
    [["memory", "RAM"], "Memory is where a computer keeps data while a program runs."],
    [["a hard disk", "a disk"], "A disk is where a computer keeps files for a long time."],
    [["Python"], "Python is a programming language that is easy to learn."],
    [["JavaScript"], "JavaScript is the most common language of web pages."],
    [["TypeScript"], "TypeScript is JavaScript with types."],
    [["MLX"], "MLX is a machine learning framework made by Apple."],
    [["loss", "a loss"], "The loss says how wrong a model is. Smaller is better."],
    [["a learning rate", "the learning rate"], "The learning rate says how large each training step is."],
    [["a gradient"], "A gradient tells in which direction each weight should change."],
    [["overfitting"], "Overfitting means that a model learns its training data by heart and fails on new questions."],
    [["quantization"], "Quantization stores weights in fewer bits, so that the model is smaller."],
    [["a training set"], "A training set is the data that a model learns from."],
    [["a validation set"], "A validation set is the data that shows how well a model has learnt."],
    [["a neural network"], "A neural network is a model made of many layers of simple sums."],
    [["artificial intelligence", "AI"], "Artificial intelligence means machines doing what needs intelligence."],
    [["machine learning"], "Machine learning means that computers learn rules from data."],
    [["a prompt"], "A prompt is the text that you write to a model."],
    [["the internet"], "The internet is a network that connects computers all over the world."],
    [["a browser"], "A browser is a program for looking at web pages."],
    [["an operating system"], "An operating system is the software that runs a computer."],
    [["Linux"], "Linux is an open source operating system."],
    [["an algorithm"], "An algorithm is a way to solve a problem step by step."],
    [["a database"], "A database is a place that keeps data in order."],
    [["open source"], "Open source means that everyone may read, use and improve the code."],
    [["an API"], "An API is how one program talks to another."],
    [["Git"], "Git is a tool that keeps the versions of code."],
    [["a variable"], "A variable is a name for a value in a program."],
    [["a function"], "A function is a piece of code that can be used again."],
    [["a loop"], "A loop runs a piece of code again and again."],
    [["gravity"], "Gravity is the force that pulls things down to the earth."],
    [["a rainbow"], "A rainbow is sunlight broken into colours by drops of rain."],
    [["photosynthesis"], "Photosynthesis is how plants make food from light, water and air."],
    [["a volcano"], "A volcano is a mountain that throws out hot melted rock."],
    [["a fossil"], "A fossil is the trace of a very old living thing in stone."],
    [["a library"], "A library is a place with many books to borrow."],
    [["a dictionary"], "A dictionary is a book that explains words."],
  ],
};

export const idioms = Object.entries({
  画蛇添足: "做了多余的事，反而不好",
  守株待兔: "不努力，只等着好运气",
  井底之蛙: "见识很少的人",
  亡羊补牢: "出了问题及时补救",
  对牛弹琴: "对不懂的人讲道理",
  半途而废: "事情没做完就放弃",
  一举两得: "做一件事得到两个好处",
  狐假虎威: "借别人的力量吓唬人",
  掩耳盗铃: "自己骗自己",
  刻舟求剑: "不懂得变化",
  拔苗助长: "太着急，反而坏了事",
  自相矛盾: "说的话前后不一致",
  滴水穿石: "坚持不懈就能成功",
  熟能生巧: "练得多了就会做得巧",
  温故知新: "复习旧的，学到新的",
  三心二意: "做事不专心",
  一心一意: "做事很专心",
  马到成功: "很快就成功",
  井井有条: "很有条理",
  画龙点睛: "在关键的地方加一笔，使它更好",
  雪中送炭: "在别人困难时给予帮助",
  锦上添花: "让好的变得更好",
  胸有成竹: "做事之前已经有了主意",
  四面楚歌: "被敌人包围，没有帮助",
  杯弓蛇影: "因为多疑而害怕",
  塞翁失马: "坏事也可能变成好事",
  愚公移山: "只要坚持，再难的事也能做成",
  九牛一毛: "非常少",
  不耻下问: "愿意向不如自己的人请教",
  千里迢迢: "路很远",
}).map(([idiom, meaning]) => ({ idiom, meaning }));

/** title, author, text: poems of the Tang dynasty */
export const poems = [
  ["静夜思", "李白", "床前明月光，疑是地上霜。举头望明月，低头思故乡。"],
  ["春晓", "孟浩然", "春眠不觉晓，处处闻啼鸟。夜来风雨声，花落知多少。"],
  ["登鹳雀楼", "王之涣", "白日依山尽，黄河入海流。欲穷千里目，更上一层楼。"],
  ["咏鹅", "骆宾王", "鹅，鹅，鹅，曲项向天歌。白毛浮绿水，红掌拨清波。"],
  ["悯农", "李绅", "锄禾日当午，汗滴禾下土。谁知盘中餐，粒粒皆辛苦。"],
  ["相思", "王维", "红豆生南国，春来发几枝。愿君多采撷，此物最相思。"],
  ["江雪", "柳宗元", "千山鸟飞绝，万径人踪灭。孤舟蓑笠翁，独钓寒江雪。"],
  ["鹿柴", "王维", "空山不见人，但闻人语响。返景入深林，复照青苔上。"],
].map(([title, author, text]) => ({
  title,
  author,
  text,
  first: text.split(/[，。]/)[0],
  second: text.split(/[，。]/)[1],
}));
